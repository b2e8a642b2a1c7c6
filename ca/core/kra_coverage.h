/*
 * Who of the agents that keys of this database are sealed to lives: those whom root has enabled and
 * whose certificates are good. A certificate that was renewed with its key lives as long as the
 * newer one.
 */
#ifndef CORE_KRA_COVERAGE_H
#define CORE_KRA_COVERAGE_H

#include "ca.h"
#include "coverage.h"

/* How long before its end a KRA's certificate is told of: its holder enrolls, a certificate manager
 * approves. */
#define CA_KRA_NOTICE_S (30 * INT64_C(86400))

/* How long an agent has for the report of a drill, before it is told of. */
#define CA_DRILL_S (14 * INT64_C(86400))

/* By their certificates; counted. coverage_free. */
bool kra_coverage(struct store *store, const struct pkix_cert *const *living, size_t count,
    struct coverage *out, struct err *err);
/* By those of a view. */
bool ca_kra_coverage(
    struct store *store, const struct ca_view *v, struct coverage *out, struct err *err);
/* For coverage_unproved, as CA\Recovery\DrillDays says; 0: nobody need. */
int64_t ca_proved_since(const struct settings *s, int64_t now);

#endif
