/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pins.h"

#include <stdlib.h>

int pins_open(struct l1 *l1)
{
	/* Neither is touched before it is used, so they cost what the busiest moment needed. */
	l1->stack.free = malloc(L1_PINS * sizeof(*l1->stack.free));
	l1->holders = calloc(L1_PINS, sizeof(*l1->holders));
	return l1->stack.free && l1->holders ? 0 : ERR_NOMEM;
}

void pins_close(struct l1 *l1)
{
	free(l1->stack.free);
	free(l1->holders);
	l1->stack.free = NULL;
	l1->holders = NULL;
}

uint32_t pins_reserve(struct l1 *l1)
{
	struct pin_stack *s = &l1->stack;

	ASSERT(l1->slot < SLOT_MAX);
	if (s->n_free > 0)
		return s->free[--s->n_free];
	if (s->fresh < L1_PINS)
		return s->fresh++;
	l1->counts.no_pin++;
	return UINT32_MAX;
}

void pins_unreserve(struct l1 *l1, uint32_t pin)
{
	ASSERT(l1->stack.n_free < L1_PINS && pin < l1->stack.fresh);
	l1->stack.free[l1->stack.n_free++] = pin;
}

void pins_set_locked(struct l1 *l1, uint32_t pin, struct record *r, uint64_t flags)
{
	struct pin_head *slot = l1_pin_head(l1, l1->slot);
	struct pin *p = pins_at(l1, pin);

	ASSERT(p->object == 0);
	l1->holders[pin] = (struct holder){0};
	p->passed = 0;
	if (pin >= slot->high)
		slot->high = pin + 1;
	slot->used++;
	L1_ORDER();
	p->object = l1_offset(l1, r) | flags;
	L1_ORDER();
	r->pins++;
}

void pins_clear_locked(struct l1 *l1, uint32_t pin, struct record *r)
{
	struct pin_head *slot = l1_pin_head(l1, l1->slot);
	struct pin *p = pins_at(l1, pin);

	ASSERT((p->object & ~(uint64_t)PIN_FLAGS) == l1_offset(l1, r) && r->pins > 0);
	p->object = 0;
	L1_ORDER();
	r->pins--;
	slot->used--;
	pins_unreserve(l1, pin);
}

/* Calls <fn> for each pin of a reader of <r>. */
static void each_reader(struct l1 *l1, const struct record *r,
			void (*fn)(struct pin *pin, uint64_t passed, uint64_t *arg), uint64_t *arg)
{
	uint64_t object = l1_offset(l1, r);
	uint32_t left = r->pins;

	for (unsigned s = 0; s < SLOT_MAX && left > 0; s++) {
		struct pin *pins = l1_pin_table(l1, s);
		for (uint32_t i = 0; i < l1_pin_head(l1, s)->high && left > 0; i++) {
			uint64_t o = __atomic_load_n(&pins[i].object, __ATOMIC_RELAXED);
			if ((o & ~(uint64_t)PIN_FLAGS) != object)
				continue;
			left--;
			if (!(o & PIN_FILLER))
				fn(&pins[i], __atomic_load_n(&pins[i].passed, __ATOMIC_ACQUIRE),
				   arg);
		}
	}
}

/* <arg>: the least and the greatest position. */
static void note_span(struct pin *pin, uint64_t passed, uint64_t *arg)
{
	(void)pin;
	arg[0] = MIN(arg[0], passed);
	arg[1] = MAX(arg[1], passed);
}

uint64_t pins_passed_locked(struct l1 *l1, const struct record *r, uint64_t at)
{
	uint64_t span[2] = {at, 0};

	each_reader(l1, r, note_span, span);
	return span[0];
}

static void cut_if_at(struct pin *pin, uint64_t passed, uint64_t *arg)
{
	if (passed == arg[0])
		__atomic_fetch_or(&pin->object, PIN_CUT, __ATOMIC_RELEASE);
}

bool pins_cut_slowest_locked(struct l1 *l1, const struct record *r)
{
	uint64_t span[2] = {UINT64_MAX, 0};

	each_reader(l1, r, note_span, span);
	if (span[0] >= span[1])
		return false;
	each_reader(l1, r, cut_if_at, span);
	return true;
}

uint64_t pins_count(const struct l1 *l1)
{
	uint64_t n = 0;

	for (unsigned s = 0; s < SLOT_MAX; s++)
		n += __atomic_load_n(&l1_pin_head(l1, s)->used, __ATOMIC_RELAXED);
	return n;
}
