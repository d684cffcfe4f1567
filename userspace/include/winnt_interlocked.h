/* SPDX-License-Identifier: MIT */
/*
 * A part of winnt.h: the Interlocked family, on the compiler's atomics. The plain names are full
 * barriers as they are on Windows. Each is there in the SDK's spelling and with the intrinsic's
 * leading underscore.
 */
#ifndef _WINNT_H_
#error "include <windows.h>"
#endif

#define INTERLOCKED_BASIC_(T, width, order, ORDER) \
	FORCEINLINE T InterlockedExchange##order##width(T volatile *Target, T Value) \
	{ \
		return __atomic_exchange_n(Target, Value, ORDER); \
	} \
	FORCEINLINE T InterlockedCompareExchange##order##width(T volatile *Destination, \
							       T Exchange, T Comperand) \
	{ \
		__atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, ORDER, \
					    __ATOMIC_ACQUIRE); \
		return Comperand; \
	} \
	FORCEINLINE T InterlockedExchangeAdd##order##width(T volatile *Addend, T Value) \
	{ \
		return __atomic_fetch_add(Addend, Value, ORDER); \
	} \
	FORCEINLINE T InterlockedAdd##order##width(T volatile *Addend, T Value) \
	{ \
		return (T)__atomic_add_fetch(Addend, Value, ORDER); \
	} \
	FORCEINLINE T InterlockedIncrement##order##width(T volatile *Addend) \
	{ \
		return (T)__atomic_add_fetch(Addend, 1, ORDER); \
	} \
	FORCEINLINE T InterlockedDecrement##order##width(T volatile *Addend) \
	{ \
		return (T)__atomic_sub_fetch(Addend, 1, ORDER); \
	}

/* For these the width comes before the order. */
#define INTERLOCKED_LOGIC_(T, width, order, ORDER) \
	FORCEINLINE T InterlockedAnd##width##order(T volatile *Destination, T Value) \
	{ \
		return __atomic_fetch_and(Destination, Value, ORDER); \
	} \
	FORCEINLINE T InterlockedOr##width##order(T volatile *Destination, T Value) \
	{ \
		return __atomic_fetch_or(Destination, Value, ORDER); \
	} \
	FORCEINLINE T InterlockedXor##width##order(T volatile *Destination, T Value) \
	{ \
		return __atomic_fetch_xor(Destination, Value, ORDER); \
	}

#define INTERLOCKED_BIT_(T, width, BITS) \
	FORCEINLINE BOOLEAN InterlockedBitTestAndSet##width(T volatile *Base, T Bit) \
	{ \
		T mask = (T)(1ull << (Bit & (BITS - 1))); \
\
		return (__atomic_fetch_or(Base, mask, __ATOMIC_SEQ_CST) & mask) != 0; \
	} \
	FORCEINLINE BOOLEAN InterlockedBitTestAndReset##width(T volatile *Base, T Bit) \
	{ \
		T mask = (T)(1ull << (Bit & (BITS - 1))); \
\
		return (__atomic_fetch_and(Base, (T)~mask, __ATOMIC_SEQ_CST) & mask) != 0; \
	} \
	FORCEINLINE BOOLEAN InterlockedBitTestAndComplement##width(T volatile *Base, T Bit) \
	{ \
		T mask = (T)(1ull << (Bit & (BITS - 1))); \
\
		return (__atomic_fetch_xor(Base, mask, __ATOMIC_SEQ_CST) & mask) != 0; \
	}

#define INTERLOCKED_POINTER_(order, ORDER) \
	FORCEINLINE PVOID InterlockedExchangePointer##order(PVOID volatile *Target, PVOID Value) \
	{ \
		return __atomic_exchange_n(Target, Value, ORDER); \
	} \
	FORCEINLINE PVOID InterlockedCompareExchangePointer##order( \
		PVOID volatile *Destination, PVOID Exchange, PVOID Comperand) \
	{ \
		__atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, ORDER, \
					    __ATOMIC_ACQUIRE); \
		return Comperand; \
	}

#define INTERLOCKED_ORDER_(order, ORDER) \
	INTERLOCKED_BASIC_(CHAR, 8, order, ORDER) \
	INTERLOCKED_BASIC_(SHORT, 16, order, ORDER) \
	INTERLOCKED_BASIC_(LONG, , order, ORDER) \
	INTERLOCKED_BASIC_(LONG64, 64, order, ORDER) \
	INTERLOCKED_LOGIC_(CHAR, 8, order, ORDER) \
	INTERLOCKED_LOGIC_(SHORT, 16, order, ORDER) \
	INTERLOCKED_LOGIC_(LONG, , order, ORDER) \
	INTERLOCKED_LOGIC_(LONG64, 64, order, ORDER) \
	INTERLOCKED_POINTER_(order, ORDER)

INTERLOCKED_ORDER_(, __ATOMIC_SEQ_CST)
INTERLOCKED_ORDER_(Acquire, __ATOMIC_ACQUIRE)
INTERLOCKED_ORDER_(Release, __ATOMIC_RELEASE)
INTERLOCKED_ORDER_(NoFence, __ATOMIC_RELAXED)
INTERLOCKED_BIT_(LONG, , 32)
INTERLOCKED_BIT_(LONG64, 64, 64)

#undef INTERLOCKED_BASIC_
#undef INTERLOCKED_LOGIC_
#undef INTERLOCKED_BIT_
#undef INTERLOCKED_POINTER_
#undef INTERLOCKED_ORDER_

/* The unsigned spelling of one of them that the SDK has too. */
FORCEINLINE ULONG InterlockedExchangeSubtract(ULONG volatile *Addend, ULONG Value)
{
	return __atomic_fetch_sub(Addend, Value, __ATOMIC_SEQ_CST);
}

#define _InterlockedExchange InterlockedExchange
#define _InterlockedExchange8 InterlockedExchange8
#define _InterlockedExchange16 InterlockedExchange16
#define _InterlockedExchange64 InterlockedExchange64
#define _InterlockedExchangePointer InterlockedExchangePointer
#define _InterlockedCompareExchange InterlockedCompareExchange
#define _InterlockedCompareExchange8 InterlockedCompareExchange8
#define _InterlockedCompareExchange16 InterlockedCompareExchange16
#define _InterlockedCompareExchange64 InterlockedCompareExchange64
#define _InterlockedCompareExchangePointer InterlockedCompareExchangePointer
#define _InterlockedExchangeAdd InterlockedExchangeAdd
#define _InterlockedExchangeAdd8 InterlockedExchangeAdd8
#define _InterlockedExchangeAdd16 InterlockedExchangeAdd16
#define _InterlockedExchangeAdd64 InterlockedExchangeAdd64
#define _InterlockedIncrement InterlockedIncrement
#define _InterlockedIncrement16 InterlockedIncrement16
#define _InterlockedIncrement64 InterlockedIncrement64
#define _InterlockedDecrement InterlockedDecrement
#define _InterlockedDecrement16 InterlockedDecrement16
#define _InterlockedDecrement64 InterlockedDecrement64
#define _InterlockedAnd InterlockedAnd
#define _InterlockedAnd8 InterlockedAnd8
#define _InterlockedAnd16 InterlockedAnd16
#define _InterlockedAnd64 InterlockedAnd64
#define _InterlockedOr InterlockedOr
#define _InterlockedOr8 InterlockedOr8
#define _InterlockedOr16 InterlockedOr16
#define _InterlockedOr64 InterlockedOr64
#define _InterlockedXor InterlockedXor
#define _InterlockedXor8 InterlockedXor8
#define _InterlockedXor16 InterlockedXor16
#define _InterlockedXor64 InterlockedXor64
#define _interlockedbittestandset InterlockedBitTestAndSet
#define _interlockedbittestandset64 InterlockedBitTestAndSet64
#define _interlockedbittestandreset InterlockedBitTestAndReset
#define _interlockedbittestandreset64 InterlockedBitTestAndReset64

FORCEINLINE LONG ReadAcquire(LONG const volatile *Source)
{
	return __atomic_load_n(Source, __ATOMIC_ACQUIRE);
}

FORCEINLINE LONG ReadNoFence(LONG const volatile *Source)
{
	return __atomic_load_n(Source, __ATOMIC_RELAXED);
}

FORCEINLINE VOID WriteRelease(LONG volatile *Destination, LONG Value)
{
	__atomic_store_n(Destination, Value, __ATOMIC_RELEASE);
}

FORCEINLINE VOID WriteNoFence(LONG volatile *Destination, LONG Value)
{
	__atomic_store_n(Destination, Value, __ATOMIC_RELAXED);
}

FORCEINLINE LONG64 ReadAcquire64(LONG64 const volatile *Source)
{
	return __atomic_load_n(Source, __ATOMIC_ACQUIRE);
}

FORCEINLINE LONG64 ReadNoFence64(LONG64 const volatile *Source)
{
	return __atomic_load_n(Source, __ATOMIC_RELAXED);
}

FORCEINLINE VOID WriteRelease64(LONG64 volatile *Destination, LONG64 Value)
{
	__atomic_store_n(Destination, Value, __ATOMIC_RELEASE);
}

FORCEINLINE VOID WriteNoFence64(LONG64 volatile *Destination, LONG64 Value)
{
	__atomic_store_n(Destination, Value, __ATOMIC_RELAXED);
}

FORCEINLINE PVOID ReadPointerAcquire(PVOID const volatile *Source)
{
	return __atomic_load_n(Source, __ATOMIC_ACQUIRE);
}

FORCEINLINE PVOID ReadPointerNoFence(PVOID const volatile *Source)
{
	return __atomic_load_n(Source, __ATOMIC_RELAXED);
}

FORCEINLINE VOID WritePointerRelease(PVOID volatile *Destination, PVOID Value)
{
	__atomic_store_n(Destination, Value, __ATOMIC_RELEASE);
}

#define MemoryBarrier() __sync_synchronize()
#define _ReadWriteBarrier() __asm__ volatile("" : : : "memory")
#define _ReadBarrier() _ReadWriteBarrier()
#define _WriteBarrier() _ReadWriteBarrier()

#if defined(__x86_64__) || defined(__i386__)
#define YieldProcessor() __builtin_ia32_pause()
#elif defined(__aarch64__) || defined(__arm__)
#define YieldProcessor() __asm__ volatile("yield" : : : "memory")
#else
#define YieldProcessor() _ReadWriteBarrier()
#endif
