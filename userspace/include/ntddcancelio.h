/* SPDX-License-Identifier: MIT */
/*
 * ntddcancelio.h: what DeviceIoControl can ask a device of cancelio.ko.
 *
 * The codes are those of ioctl(2) in <linux/cancelio.h>, and so are the structs that go in and come
 * out, by METHOD_BUFFERED: an output buffer that does not hold all of it gets a part, and the call
 * fails with ERROR_MORE_DATA; one that does not hold the least part fails with
 * ERROR_INSUFFICIENT_BUFFER, and nothing is done. An input buffer that is too short fails with
 * ERROR_INVALID_PARAMETER.
 *
 *			in			out			least part of it
 *	VERSION		-			__u32			all
 *	INFO		-			cancelio_info		up to model
 *	CANCEL		cancelio_cancel		- or cancelio_cancel	up to found
 *	REQUEST		- or			cancelio_request_info	up to id
 *			cancelio_request_info
 *
 * INFO takes the device's control latency. It can be cancelled meanwhile, and with an OVERLAPPED it
 * is pending; the others are over at once. CANCEL and REQUEST find nothing: ERROR_NOT_FOUND.
 */
#ifndef NTDDCANCELIO_H
#define NTDDCANCELIO_H

#include <linux/cancelio.h>
#include <winioctl.h>

#define FILE_DEVICE_CANCELIO 0x80C1u

#define IOCTL_CANCELIO_VERSION \
	CTL_CODE(FILE_DEVICE_CANCELIO, 0x800u, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_CANCELIO_INFO \
	CTL_CODE(FILE_DEVICE_CANCELIO, 0x801u, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_CANCELIO_CANCEL \
	CTL_CODE(FILE_DEVICE_CANCELIO, 0x802u, METHOD_BUFFERED, FILE_WRITE_ACCESS)
#define IOCTL_CANCELIO_REQUEST \
	CTL_CODE(FILE_DEVICE_CANCELIO, 0x803u, METHOD_BUFFERED, FILE_READ_ACCESS)

#endif
