/*
 * What CMC requests and responses have in common. Private to cmc*.c.
 */
#ifndef MESSAGES_CMC_CONTROL_H
#define MESSAGES_CMC_CONTROL_H

#include "cmc.h"
#include "cmc_asn1.h"
#include "der_write.h"
#include "oids.h"

#define CMC_CONTROLS_MAX 64

/* Bounds the number of controls, and refuses an archived key or its hash that is a control itself.
 */
bool cmc_controls_check(const STACK_OF(CMCW_CONTROL) * controls, struct err *err);
/* The control of a type, with its one value; *out empty if there is none. ERROR_INVALID_DATA if
 * there are two. */
bool cmc_control_value(
    const STACK_OF(CMCW_CONTROL) * controls, enum oid_id id, struct view *out, struct err *err);
/* Whether a control's references name `body_part`, and no other. `control` is for the sentence. */
bool cmc_references(uint32_t data_reference, const STACK_OF(ASN1_INTEGER) * list, int64_t body_part,
    const char *control, struct err *err);
/* Reads AddAttributes; *out NULL if the message has none. An archived key in it is refused. */
bool cmc_add_attributes(
    const STACK_OF(CMCW_CONTROL) * controls, CMCW_ADD_ATTRIBUTES **out, struct err *err);
/* OCTET STRING of the attribute `id` in it; empty if absent. */
bool cmc_added_octets(
    const CMCW_ADD_ATTRIBUTES *from, enum oid_id id, struct view *out, struct err *err);

/* cmc_binding.c: reads the binding, if there is one, into `out`, whose views point into *wire_out.
 */
bool cmc_binding_read(const STACK_OF(CMCW_CONTROL) * controls, CMCW_BINDING **wire_out,
    struct cmc_request *out, struct err *err);
/* A new wire struct; free it. */
bool cmc_binding_make(const struct cmc_binding *in, CMCW_BINDING **out, struct err *err);

/* cmc_transaction.c: reads the controls. */
bool cmc_transaction_read(
    const STACK_OF(CMCW_CONTROL) * controls, struct cmc_transaction *out, struct err *err);
/* Pushes those that are there, as body parts from `first_part` on. */
bool cmc_transaction_push(STACK_OF(CMCW_CONTROL) * controls, uint32_t first_part,
    const struct cmc_transaction *in, struct err *err);
/* Writes them. */
void cmc_transaction_put(struct der_out *o, uint32_t first_part, const struct cmc_transaction *in);
/* Notes the first control that nobody here knows. */
void cmc_unknown_control(const STACK_OF(CMCW_CONTROL) * controls, struct cmc_request *out);

/* New control around one value in DER; pushes it. */
bool cmc_control_push_der(STACK_OF(CMCW_CONTROL) * controls, uint32_t body_part, enum oid_id id,
    struct view value, struct err *err);
/* The same with a value that is encoded first. */
bool cmc_control_push(STACK_OF(CMCW_CONTROL) * controls, uint32_t body_part, enum oid_id id,
    const ASN1_ITEM *item, const void *value, struct err *err);
/* The same as it is written: what comes between the two is the one value. */
struct cmc_open_control {
	size_t control, values;
};
struct cmc_open_control cmc_control_open(struct der_out *o, uint32_t body_part, enum oid_id id);
void cmc_control_close(struct der_out *o, struct cmc_open_control c);
/* AddAttributes about one body part, without attributes yet. */
CMCW_ADD_ATTRIBUTES *cmc_add_attributes_new(int64_t body_part);
bool cmc_integer_push(STACK_OF(ASN1_INTEGER) * list, int64_t number);

#endif
