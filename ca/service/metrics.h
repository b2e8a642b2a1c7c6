/*
 * What the service counts for whoever watches it, and the Prometheus text exposition format 0.0.4
 * that it is told in. The counters belong to the process and begin at zero with it; each may be
 * touched from any thread. Names of people are in none of it.
 */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include "buf.h"
#include "ocsp_responder.h"
#include "routes.h"

/* Every metric: docs/MONITORING.md is checked against it. */
#define METRICS(X)                                                                                \
	X(METRIC_BUILD_INFO, "dirca_build_info", "gauge", "Version of dirca; always 1.")          \
	X(METRIC_START_TIME, "dirca_start_time_seconds", "gauge",                                 \
	    "When vault and front were started last, since 1970.")                                \
	X(METRIC_WORKS, "dirca_works", "gauge",                                                   \
	    "Whether the part that the CA needs is there: database, vault, directory.")           \
	X(METRIC_DIRECTORY_AGE, "dirca_directory_age_seconds", "gauge",                           \
	    "Age of the picture of the directory on which requests are decided.")                 \
	X(METRIC_REQUESTS, "dirca_requests", "gauge", "Requests in the database.")                \
	X(METRIC_ARCHIVED_KEYS, "dirca_archived_keys", "gauge", "Archived keys in the database.") \
	X(METRIC_PUBLICATIONS_OWED, "dirca_publications_owed", "gauge",                           \
	    "Certificates that the directory does not have yet.")                                 \
	X(METRIC_RECOVERIES, "dirca_recoveries_total", "counter",                                 \
	    "Recovery BLOBs handed out since the start.")                                         \
	X(METRIC_REFUSALS, "dirca_refusals_total", "counter",                                     \
	    "Requests that were answered by an error since the start, by its name.")              \
	X(METRIC_QUEUE_LENGTH, "dirca_queue_length", "gauge", "Requests that wait for a worker.") \
	X(METRIC_REQUEST_SECONDS, "dirca_request_duration_seconds", "histogram",                  \
	    "From the whole request to its answer, waiting included.")                            \
	X(METRIC_RECOVERY_CASES, "dirca_recovery_cases", "gauge",                                 \
	    "Recovery cases that wait for a second certificate manager, or are open.")            \
	X(METRIC_KRAS_USABLE, "dirca_kras_usable", "gauge",                                       \
	    "Key recovery agents that keys can be sealed to.")                                    \
	X(METRIC_KRAS_REQUIRED, "dirca_kras_required", "gauge",                                   \
	    "Key recovery agents that each key is sealed to (KRACertCount).")                     \
	X(METRIC_KRAS_THRESHOLD, "dirca_kras_threshold", "gauge",                                 \
	    "Of these, so many open a key together; 1: each alone.")                              \
	X(METRIC_KRA_LEFT, "dirca_kra_certificate_left_seconds", "gauge",                         \
	    "To the end of each certificate of the KRA store, by its SHA-1; negative after it.")  \
	X(METRIC_KEYS_UNCOVERED, "dirca_archived_keys_uncovered", "gauge",                        \
	    "Archived keys that no key recovery agent opens who is enabled and valid.")           \
	X(METRIC_KEYS_LEFT, "dirca_archived_keys_left_seconds", "gauge",                          \
	    "Until the first archived keys are left by their last key recovery agent.")           \
	X(METRIC_KRAS_UNPROVED, "dirca_kras_unproved", "gauge",                                   \
	    "Key recovery agents whose last drill is older than allowed (DrillDays).")            \
	X(METRIC_DRILLS_INCOMPLETE, "dirca_drills_incomplete", "gauge",                           \
	    "Key recovery agents whose newest drill lacks keys, or its report after 14 days.")    \
	X(METRIC_CERTIFICATE_LEFT, "dirca_certificate_left_seconds", "gauge",                     \
	    "To the end of the CA's own certificates; negative after it.")                        \
	X(METRIC_CRL_LEFT, "dirca_crl_left_seconds", "gauge",                                     \
	    "To nextUpdate of the newest CRL of each list; negative after it.")                   \
	X(METRIC_OCSP_ANSWERS, "dirca_ocsp_answers_total", "counter",                             \
	    "Answers to OCSP requests since the start: signed, kept from before, or a failure.")  \
	X(METRIC_NOTICES, "dirca_notices_total", "counter",                                       \
	    "Mails and runs of the program for events since the start.")                          \
	X(METRIC_NOTICES_LOST, "dirca_notices_lost_total", "counter",                             \
	    "Events that nobody was told of since the start: too many waited.")                   \
	X(METRIC_DISK_FREE, "dirca_disk_free_bytes", "gauge",                                     \
	    "Free on the disk of the state folder.")

enum metric {
#define METRIC_ENUM(id, name, type, help) id,
	METRICS(METRIC_ENUM)
#undef METRIC_ENUM
	    METRIC_COUNT
};

/* ---- counting ---- */

void metrics_begin(void); /* the time of the start */
/* `by` more requests wait in that lane. */
void metrics_queued(enum route_lane lane, int by);
/* A request of that lane was answered after so many milliseconds; ERR_OK: by no error. */
void metrics_answered(enum route_lane lane, int64_t ms, enum err_code refusal);
void metrics_recovered(void);
void metrics_ocsp(enum ocsp_kind kind);
void metrics_notice(bool told);

/* ---- telling ---- */

/* Name NULL: none. */
struct metric_label {
	const char *name, *value;
};
/* Of a sample with several. */
struct metric_labels {
	const struct metric_label *list;
	size_t count;
};
/* The lines "# HELP" and "# TYPE", before the metric's first sample. */
bool metrics_head(struct buf *to, enum metric m, struct err *err);
/* A sample: any octets may be in the label's value. */
bool metrics_sample(
    struct buf *to, enum metric m, struct metric_label label, int64_t value, struct err *err);
bool metrics_sample_of(
    struct buf *to, enum metric m, struct metric_labels labels, int64_t value, struct err *err);
/* Head and samples of what is counted here: start, recoveries, refusals, queues, durations. */
bool metrics_counted(struct buf *to, struct err *err);

#endif
