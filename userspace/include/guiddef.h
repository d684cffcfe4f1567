/* SPDX-License-Identifier: MIT */
#ifndef GUID_DEFINED
#define GUID_DEFINED

#include <string.h>

typedef struct _GUID {
	unsigned int Data1;
	unsigned short Data2, Data3;
	unsigned char Data4[8];
} GUID, *LPGUID, IID, *LPIID, CLSID, *LPCLSID;
typedef const GUID *LPCGUID;

#ifdef __cplusplus
#define REFGUID const GUID &
#define REFIID const IID &
#define IsEqualGUID(a, b) (!memcmp(&(a), &(b), sizeof(GUID)))
#else
#define REFGUID const GUID *
#define REFIID const IID *
#define IsEqualGUID(a, b) (!memcmp(a, b, sizeof(GUID)))
#endif
#define IsEqualIID(a, b) IsEqualGUID(a, b)

/* Every file that uses the name has one of its own: so it is the same with INITGUID and without. */
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
	static const GUID name __attribute__((unused)) = { \
		l, w1, w2, { b1, b2, b3, b4, b5, b6, b7, b8 } \
	}

#endif
