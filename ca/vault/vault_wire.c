#include "vault_wire.h"

#include <errno.h>
#include <sys/socket.h>

#include "bytes.h"

#define HEADER_LEN 5

bool
wire_begin(struct buf *frame, uint8_t op, struct err *err)
{
	frame->len = 0;
	return bytes_put_u32le(frame, 0, err) && bytes_put_u8(frame, op, err);
}

static bool
field_header(struct buf *frame, struct view field, struct err *err)
{
	if (field.len > UINT32_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "a field of %zu bytes does not fit into a vault request", field.len);
	return bytes_put_u32le(frame, (uint32_t)field.len, err);
}

bool
wire_field(struct buf *frame, struct view field, struct err *err)
{
	return field_header(frame, field, err) && buf_append(frame, field, err);
}

bool
wire_field_u32(struct buf *frame, uint32_t n, struct err *err)
{
	return bytes_put_u32le(frame, sizeof n, err) && bytes_put_u32le(frame, n, err);
}

bool
wire_field_u64(struct buf *frame, uint64_t n, struct err *err)
{
	return bytes_put_u32le(frame, sizeof n, err) && bytes_put_u64le(frame, n, err);
}

static bool
send_all(int fd, struct view octets, struct err *err)
{
	while (octets.len > 0) {
		ssize_t n = send(fd, octets.ptr, octets.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return err_set(err, DIRCA_E_VAULT, "the vault takes nothing in time");
		if (n < 0)
			return err_errno(err, DIRCA_E_VAULT, "writing to the vault's socket");
		octets = view_of(octets.ptr + n, octets.len - (size_t)n);
	}
	return true;
}

/* The length of what follows it, `more` behind the frame included. */
static bool
set_length(struct buf *frame, size_t more, struct err *err)
{
	size_t len = frame->len - 4 + more;

	if (len > UINT32_MAX)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "a vault request of %zu bytes is too large", len);
	for (int i = 0; i < 4; i++)
		frame->ptr[i] = (uint8_t)(len >> (8 * i));
	return true;
}

bool
wire_send(int fd, struct buf *frame, struct err *err)
{
	return set_length(frame, 0, err) && send_all(fd, buf_view(frame), err);
}

bool
wire_send_with(int fd, struct buf *frame, struct view last, struct err *err)
{
	return field_header(frame, last, err) && set_length(frame, last.len, err) &&
	       send_all(fd, buf_view(frame), err) && send_all(fd, last, err);
}

/* Number of bytes read: less than `len` only at the end of the stream; -1 on failure. */
static ssize_t
receive(int fd, uint8_t *to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = recv(fd, to + done, len - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

enum wire_result
wire_receive_header(int fd, uint8_t *op_out, uint32_t *len_out, struct err *err)
{
	uint8_t header[HEADER_LEN];
	ssize_t n = receive(fd, header, sizeof header);
	struct view cursor = view_of(header, sizeof header);

	if (n == 0)
		return WIRE_CLOSED;
	if (n < 0) {
		if (errno == EAGAIN)
			err_set(err, DIRCA_E_VAULT, "no answer in time");
		else
			err_errno(err, DIRCA_E_VAULT, "reading from the vault's socket");
		return WIRE_FAILED;
	}
	if (n != HEADER_LEN || !bytes_get_u32le(&cursor, len_out) ||
	    !bytes_get_u8(&cursor, op_out) || *len_out == 0) {
		err_set(err, DIRCA_E_VAULT, "a broken frame on the vault's socket");
		return WIRE_FAILED;
	}
	(*len_out)--; /* without the operation */
	return WIRE_OK;
}

bool
wire_receive_body(int fd, uint32_t len, struct buf *body, struct err *err)
{
	ssize_t n;

	if (body->cap < len || body->ptr == NULL) {
		buf_free(body);
		if (!buf_alloc(len, body, err))
			return false;
	}
	body->len = len;
	n = receive(fd, body->ptr, len);
	if (n < 0)
		return err_errno(err, DIRCA_E_VAULT, "reading from the vault's socket");
	if ((size_t)n != len)
		return err_set(
		    err, DIRCA_E_VAULT, "the vault's socket was closed in the middle of a frame");
	return true;
}

bool
wire_split(struct view body, struct view *fields, size_t max, size_t *count_out, struct err *err)
{
	size_t count = 0;
	uint32_t len;

	*count_out = 0;
	while (body.len > 0) {
		if (count == max || !bytes_get_u32le(&body, &len) ||
		    !bytes_get(&body, len, &fields[count]))
			return err_set(
			    err, ERROR_INVALID_DATA, "a vault frame whose fields do not add up");
		count++;
	}
	*count_out = count;
	return true;
}

bool
wire_u32(struct view field, uint32_t *out)
{
	return field.len == sizeof *out && bytes_get_u32le(&field, out);
}

bool
wire_u64(struct view field, uint64_t *out)
{
	return field.len == sizeof *out && bytes_get_u64le(&field, out);
}
