/*
 * A PKCS#11 module before another one, $P11_SHIM_MODULE: it says how often random numbers were
 * asked for, an octet each in $P11_SHIM_FOLDER/asked, and answers as the word in
 * $P11_SHIM_FOLDER/mode says, or as the other module does where there is none.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST *real, list;
static int lost;

static int
open_file(const char *name, int flags)
{
	const char *folder = getenv("P11_SHIM_FOLDER");
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/nonexistent", name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int
mode_is(const char *word)
{
	int fd = open_file("mode", O_RDONLY);
	char mode[16] = "";
	ssize_t n = fd != -1 ? read(fd, mode, sizeof mode - 1) : 0;

	if (fd != -1)
		close(fd);
	return n > 0 && strcmp(mode, word) == 0;
}

static void
note_asked(void)
{
	int fd = open_file("asked", O_WRONLY | O_APPEND | O_CREAT);

	if (fd != -1) {
		if (write(fd, "x", 1) != 1)
			abort();
		close(fd);
	}
}

static CK_RV
generate_random(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG len)
{
	note_asked();
	if (mode_is("refuse"))
		return CKR_DEVICE_ERROR;
	if (mode_is("nothing")) /* says that it did */
		return CKR_OK;
	if (mode_is("known")) {
		memset(out, 0x5a, len);
		return CKR_OK;
	}
	if (mode_is("lost") && (lost = !lost)) /* every other time */
		return CKR_SESSION_HANDLE_INVALID;
	return real->C_GenerateRandom(session, out, len);
}

static CK_RV
create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *what, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_CLASS class = CKO_DATA;

	for (CK_ULONG i = 0; i < count; i++)
		if (what[i].type == CKA_CLASS && what[i].ulValueLen == sizeof class)
			memcpy(&class, what[i].pValue, sizeof class);
	if (mode_is("full") || (mode_is("half") && class == CKO_CERTIFICATE))
		return CKR_DEVICE_MEMORY;
	return real->C_CreateObject(session, what, count, out);
}

/* A reader whose card is out: the slot is there, and empty. */
static CK_RV
get_slot_list(CK_BBOOL with_token, CK_SLOT_ID *out, CK_ULONG *count)
{
	if (!with_token || !mode_is("out"))
		return real->C_GetSlotList(with_token, out, count);
	*count = 0;
	return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *out)
{
	CK_RV rv = real->C_GetSlotInfo(slot, out);

	if (mode_is("out"))
		out->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
	return rv;
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *arg, CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
	return mode_is("out") ? CKR_TOKEN_NOT_PRESENT
			      : real->C_OpenSession(slot, flags, arg, notify, out);
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *out)
{
	CK_RV rv = real->C_GetTokenInfo(slot, out);

	if (mode_is("out"))
		return CKR_TOKEN_NOT_PRESENT;
	if (mode_is("without"))
		out->flags &= ~(CK_FLAGS)CKF_RNG;
	return rv;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
	const char *name = getenv("P11_SHIM_MODULE");
	void *library = name != NULL ? dlopen(name, RTLD_NOW) : NULL;
	void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;

	if (symbol == NULL)
		return CKR_GENERAL_ERROR;
	memcpy(&get, &symbol, sizeof get);
	if (get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *real;
	list.C_GenerateRandom = generate_random;
	list.C_CreateObject = create_object;
	list.C_GetTokenInfo = get_token_info;
	list.C_GetSlotList = get_slot_list;
	list.C_GetSlotInfo = get_slot_info;
	list.C_OpenSession = open_session;
	*out = &list;
	return CKR_OK;
}
