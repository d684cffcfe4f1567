// SPDX-License-Identifier: MIT
/*
 * Waiting for a value at an address to change. An address need not be that of a futex, which is
 * four aligned bytes: so each waiter is in a list that the address leads to, and sleeps on a
 * word of its own. Exactly those are woken that wait for this address, the first that came first.
 */
#include <string.h>

#include "address.h"
#include "list.h"
#include "lock.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

#define PLACES 64

static struct place {
	struct cio_lock lock;
	bool made; /* the list, at the first use */
	struct cio_list waiters;
} places[PLACES];

struct waiter {
	struct cio_list link;
	const volatile void *address;
	atomic_uint woken;
};

static struct place *place_of(const volatile void *address)
{
	uintptr_t p = (uintptr_t)address;

	return &places[(p >> 3 ^ p >> 9 ^ p >> 15) % PLACES];
}

static void take(struct place *p)
{
	cio_lock_take(&p->lock);
	if (p->made)
		return;
	cio_list_init(&p->waiters);
	p->made = true;
}

static bool same(const volatile void *address, const void *value, SIZE_T size)
{
	switch (size) {
	case 1:
		return __atomic_load_n((const volatile uint8_t *)address, __ATOMIC_SEQ_CST) ==
		       *(const uint8_t *)value;
	case 2:
		return __atomic_load_n((const volatile uint16_t *)address, __ATOMIC_SEQ_CST) ==
		       *(const uint16_t *)value;
	case 4:
		return __atomic_load_n((const volatile uint32_t *)address, __ATOMIC_SEQ_CST) ==
		       *(const uint32_t *)value;
	default:
		return __atomic_load_n((const volatile uint64_t *)address, __ATOMIC_SEQ_CST) ==
		       *(const uint64_t *)value;
	}
}

BOOL WINAPI WaitOnAddress(volatile VOID *address, PVOID compare, SIZE_T size, DWORD milliseconds)
{
	CIO_KEEP_ERRNO;
	struct waiter w = { .address = address };
	struct place *p = place_of(address);
	uint64_t deadline;
	bool changed;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (!same(address, compare, size))
		return TRUE;
	/* So that the library knows of a fork. */
	if (!cio_self())
		return FALSE;
	deadline = cio_deadline(milliseconds);
	take(p);
	/* Who changes the value wakes afterwards, and finds us: or we see the change. */
	changed = !same(address, compare, size);
	if (!changed)
		cio_list_add_tail(&w.link, &p->waiters);
	cio_lock_drop(&p->lock);
	if (changed)
		return TRUE;

	while (!atomic_load(&w.woken) && (deadline == CIO_FOREVER || cio_now() < deadline))
		cio_futex_wait(&w.woken, 0, deadline);
	take(p);
	if (!atomic_load(&w.woken)) {
		cio_list_del(&w.link);
		cio_fail(ERROR_TIMEOUT);
	}
	cio_lock_drop(&p->lock);
	return atomic_load(&w.woken) ? TRUE : FALSE;
}

static void wake(const volatile void *address, bool all)
{
	struct place *p = place_of(address);

	take(p);
	cio_list_each_safe(pos, tmp, &p->waiters) {
		struct waiter *w = cio_entry(pos, struct waiter, link);

		if (w->address != address)
			continue;
		cio_list_del(&w->link);
		/* Under the lock, which it takes before it goes: until then it is there. */
		atomic_store(&w->woken, 1);
		cio_futex_wake(&w->woken, 1);
		if (!all)
			break;
	}
	cio_lock_drop(&p->lock);
}

VOID WINAPI WakeByAddressSingle(PVOID address)
{
	wake(address, false);
}

VOID WINAPI WakeByAddressAll(PVOID address)
{
	wake(address, true);
}

void cio_address_lock_all(void)
{
	for (int i = 0; i < PLACES; i++)
		take(&places[i]);
}

void cio_address_unlock_all(void)
{
	for (int i = 0; i < PLACES; i++)
		cio_lock_drop(&places[i].lock);
}

void cio_address_reinit_in_child(void)
{
	memset(places, 0, sizeof(places));
}
