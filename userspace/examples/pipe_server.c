// SPDX-License-Identifier: MIT
/*
 * A server of named pipes with a completion port: as many instances as it likes, one thread. What a
 * client sends comes back in capital letters.
 *
 *	pipe_server          serves three clients of its own, checks their answers, and ends
 *	pipe_server NAME     serves \\.\pipe\NAME until it is killed
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define INSTANCES 2
#define CLIENTS 3

struct connection {
	OVERLAPPED overlapped; /* the first: it is what a packet leads back to */
	HANDLE pipe;
	enum { CONNECTING, READING, WRITING } doing;
	char text[256];
};

static char name[200];

/* Begins the next request. Its end comes as a packet, also if it is over at once. */
static BOOL begin(struct connection *c, HANDLE port, DWORD bytes)
{
	BOOL ok = FALSE;

	switch (c->doing) {
	case CONNECTING:
		ok = ConnectNamedPipe(c->pipe, &c->overlapped);
		/* Who is there already is told of by no packet. */
		if (!ok && GetLastError() == ERROR_PIPE_CONNECTED)
			return PostQueuedCompletionStatus(port, 0, (ULONG_PTR)c, &c->overlapped);
		break;
	case READING:
		ok = ReadFile(c->pipe, c->text, sizeof(c->text), NULL, &c->overlapped);
		break;
	case WRITING:
		ok = WriteFile(c->pipe, c->text, bytes, NULL, &c->overlapped);
		break;
	}
	return ok || GetLastError() == ERROR_IO_PENDING || GetLastError() == ERROR_MORE_DATA;
}

static void next(struct connection *c, HANDLE port, BOOL ok, DWORD bytes)
{
	if (ok && c->doing == READING) {
		for (DWORD i = 0; i < bytes; i++)
			if (c->text[i] >= 'a' && c->text[i] <= 'z')
				c->text[i] = (char)(c->text[i] - 'a' + 'A');
		c->doing = WRITING;
	} else {
		c->doing = READING;
	}
	/* The client has gone, now or before: the instance is free for another. */
	while (!ok || !begin(c, port, bytes)) {
		DisconnectNamedPipe(c->pipe);
		c->doing = CONNECTING;
		ok = TRUE;
	}
}

static DWORD WINAPI serve(LPVOID unused)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
	static struct connection connections[INSTANCES];
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD bytes;

	(void)unused;
	for (int i = 0; i < INSTANCES; i++) {
		struct connection *c = &connections[i];

		c->pipe = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
					   PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, INSTANCES,
					   4096, 4096, 0, NULL);
		if (c->pipe == INVALID_HANDLE_VALUE ||
		    !CreateIoCompletionPort(c->pipe, port, (ULONG_PTR)c, 0)) {
			fprintf(stderr, "%s: error %u\n", name, (unsigned int)GetLastError());
			return 1;
		}
		begin(c, port, 0);
	}
	for (;;) {
		BOOL ok = GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE);

		if (!overlapped)
			return 1;
		next((struct connection *)key, port, ok || GetLastError() == ERROR_MORE_DATA, bytes);
	}
}

static DWORD WINAPI client(LPVOID arg)
{
	char text[64], want[64], answer[64];
	int id = (int)(ULONG_PTR)arg;
	DWORD bytes;

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "client %d says %d", id, i);
		snprintf(want, sizeof(want), "CLIENT %d SAYS %d", id, i);
		if (!CallNamedPipeA(name, text, (DWORD)strlen(text), answer, sizeof(answer), &bytes,
				    NMPWAIT_WAIT_FOREVER)) {
			/* Another was faster to the instance that was waited for. */
			if (GetLastError() == ERROR_PIPE_BUSY || GetLastError() == ERROR_FILE_NOT_FOUND) {
				i--;
				Sleep(1);
				continue;
			}
			printf("client %d: error %u\n", id, (unsigned int)GetLastError());
			return 1;
		}
		if (bytes != strlen(want) || memcmp(answer, want, bytes) != 0) {
			printf("client %d: a wrong answer: %.*s\n", id, (int)bytes, answer);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	HANDLE clients[CLIENTS];
	DWORD code, failed = 0;

	snprintf(name, sizeof(name), "\\\\.\\pipe\\%s", argc > 1 ? argv[1] : "");
	if (argc > 1)
		return (int)serve(NULL);
	snprintf(name, sizeof(name), "\\\\.\\pipe\\pipe_server.%u", (unsigned int)GetCurrentProcessId());
	CreateThread(NULL, 0, serve, NULL, 0, NULL);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = CreateThread(NULL, 0, client, (LPVOID)(ULONG_PTR)i, 0, NULL);
	WaitForMultipleObjects(CLIENTS, clients, TRUE, INFINITE);
	for (int i = 0; i < CLIENTS; i++) {
		GetExitCodeThread(clients[i], &code);
		failed += code;
	}
	printf("%d clients, %u failed\n", CLIENTS, (unsigned int)failed);
	return failed != 0;
}
