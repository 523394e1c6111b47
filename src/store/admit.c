/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/admit.h"

#include "store/queue.h"
#include "store/space.h"

enum { LARGE_PART = 100 };

static int admit_large(struct l1 *l1, const struct l1_hash *hash, uint64_t bytes)
{
	struct l1_space *s = l1_space(l1);

	space_lock(l1);
	bool room = l1->region->size - s->used >= bytes + l1->region->page_bytes;
	/* Asked for again and again it gets in: the ghost is left (again) until it is stored. */
	bool known = room || queue_ghost_locked(l1, hash, true);
	space_unlock(l1);
	return known ? 0 : ERR_FULL;
}

int admit(struct l1 *l1, const struct l1_hash *hash, uint64_t length, bool wanted)
{
	if (length == STORED_UNKNOWN)
		return 0;
	if (length > l1->max_object || length > l1->region->size) {
		l1->counts.rejected_large++;
		return ERR_LIMIT;
	}
	if (wanted || length <= l1->region->size / LARGE_PART)
		return 0;
	int rc = admit_large(l1, hash, length);
	l1->counts.rejected_large += rc != 0;
	return rc;
}

int admit_growth(struct l1 *l1, const struct record *r, bool *admitted)
{
	const struct l1_hash hash = {r->hash_hi, r->hash_lo};

	/* One of known length was asked about when it was made. */
	if (*admitted || r->total != STORED_UNKNOWN || r->length < l1->region->size / LARGE_PART)
		return 0;
	/* What it will need nobody knows; twice what it has is a guess. */
	int rc = admit_large(l1, &hash, r->length * 2);
	*admitted = rc == 0;
	return rc;
}
