/* SPDX-License-Identifier: MIT */
/* What a file is beside its content. */
#ifndef CIO_IDENTITY_H
#define CIO_IDENTITY_H

/*
 * Both answer 0 or an errno. The paths lead to regular files.
 *
 * Who may do what with it: owner, group, access control list, mode.
 */
int cio_identity_permissions(const char *from, const char *to);
/* Windows' streams, Linux' attributes of the user's; those that are there stay. */
int cio_identity_streams(const char *from, const char *to);

#endif
