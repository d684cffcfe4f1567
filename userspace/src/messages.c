// SPDX-License-Identifier: MIT
/* What the error numbers say in words: those that this library's calls leave, and their neighbours. */
#include "messages.h"

const char *cio_message(DWORD error)
{
	switch (error) {
	case ERROR_SUCCESS:
		return "All went well.\r\n";
	case ERROR_INVALID_FUNCTION:
		return "That cannot be done here.\r\n";
	case ERROR_FILE_NOT_FOUND:
		return "There is no such file.\r\n";
	case ERROR_PATH_NOT_FOUND:
		return "There is no such directory on the way.\r\n";
	case ERROR_TOO_MANY_OPEN_FILES:
		return "Too many files are open.\r\n";
	case ERROR_ACCESS_DENIED:
		return "Permission is refused.\r\n";
	case ERROR_INVALID_HANDLE:
		return "This is no such handle.\r\n";
	case ERROR_ARENA_TRASHED:
		return "The memory's control blocks are damaged.\r\n";
	case ERROR_NOT_ENOUGH_MEMORY:
		return "There is not enough memory for this.\r\n";
	case ERROR_BAD_ENVIRONMENT:
		return "The environment is unusable.\r\n";
	case ERROR_BAD_FORMAT:
		return "The file is not of the expected kind.\r\n";
	case ERROR_INVALID_ACCESS:
		return "This access code means nothing.\r\n";
	case ERROR_INVALID_DATA:
		return "The data makes no sense.\r\n";
	case ERROR_OUTOFMEMORY:
		return "Memory has run out.\r\n";
	case ERROR_INVALID_DRIVE:
		return "There is no such drive.\r\n";
	case ERROR_CURRENT_DIRECTORY:
		return "The current directory cannot be removed.\r\n";
	case ERROR_NOT_SAME_DEVICE:
		return "The two names are on different volumes.\r\n";
	case ERROR_NO_MORE_FILES:
		return "That was the last file.\r\n";
	case ERROR_WRITE_PROTECT:
		return "The medium cannot be written to.\r\n";
	case ERROR_BAD_UNIT:
		return "There is no such unit.\r\n";
	case ERROR_NOT_READY:
		return "The device is not ready.\r\n";
	case ERROR_BAD_COMMAND:
		return "The device is in no state for this command.\r\n";
	case ERROR_CRC:
		return "The data did not pass its check.\r\n";
	case ERROR_BAD_LENGTH:
		return "The length does not fit the command.\r\n";
	case ERROR_SEEK:
		return "The position cannot be reached.\r\n";
	case ERROR_WRITE_FAULT:
		return "The device failed to write.\r\n";
	case ERROR_READ_FAULT:
		return "The device failed to read.\r\n";
	case ERROR_GEN_FAILURE:
		return "The device does not do what it should.\r\n";
	case ERROR_SHARING_VIOLATION:
		return "The file is open in a way that does not allow this.\r\n";
	case ERROR_LOCK_VIOLATION:
		return "Another has locked this part of the file.\r\n";
	case ERROR_SHARING_BUFFER_EXCEEDED:
		return "Too many files are open to be shared.\r\n";
	case ERROR_HANDLE_EOF:
		return "The end of the file was reached.\r\n";
	case ERROR_HANDLE_DISK_FULL:
		return "The medium is full.\r\n";
	case ERROR_NOT_SUPPORTED:
		return "This is not supported.\r\n";
	case ERROR_BAD_NETPATH:
		return "The network has no such place.\r\n";
	case ERROR_DEV_NOT_EXIST:
		return "The device is gone.\r\n";
	case ERROR_NETNAME_DELETED:
		return "The connection is gone.\r\n";
	case ERROR_FILE_EXISTS:
		return "The file is there already.\r\n";
	case ERROR_CANNOT_MAKE:
		return "It cannot be created.\r\n";
	case ERROR_INVALID_PASSWORD:
		return "The password is wrong.\r\n";
	case ERROR_INVALID_PARAMETER:
		return "A parameter is wrong.\r\n";
	case ERROR_NO_PROC_SLOTS:
		return "No further process can be started now.\r\n";
	case ERROR_BROKEN_PIPE:
		return "The other end of the pipe is closed.\r\n";
	case ERROR_OPEN_FAILED:
		return "It cannot be opened.\r\n";
	case ERROR_BUFFER_OVERFLOW:
		return "The name is too long.\r\n";
	case ERROR_DISK_FULL:
		return "There is no space left.\r\n";
	case ERROR_CALL_NOT_IMPLEMENTED:
		return "This call is not implemented.\r\n";
	case ERROR_SEM_TIMEOUT:
		return "The device did not answer in time.\r\n";
	case ERROR_INSUFFICIENT_BUFFER:
		return "The buffer is too small for the answer.\r\n";
	case ERROR_INVALID_NAME:
		return "This cannot be a name.\r\n";
	case ERROR_MOD_NOT_FOUND:
		return "There is no such module.\r\n";
	case ERROR_PROC_NOT_FOUND:
		return "There is no such function.\r\n";
	case ERROR_WAIT_NO_CHILDREN:
		return "There are no children to wait for.\r\n";
	case ERROR_NEGATIVE_SEEK:
		return "The position would be before the beginning.\r\n";
	case ERROR_SEEK_ON_DEVICE:
		return "This has no position to be moved.\r\n";
	case ERROR_DIR_NOT_EMPTY:
		return "The directory is not empty.\r\n";
	case ERROR_NOT_LOCKED:
		return "It was not locked.\r\n";
	case ERROR_BAD_PATHNAME:
		return "The path is badly formed.\r\n";
	case ERROR_BUSY:
		return "What is asked for is busy.\r\n";
	case ERROR_ALREADY_EXISTS:
		return "It exists already.\r\n";
	case ERROR_FILENAME_EXCED_RANGE:
		return "The name is longer than it may be.\r\n";
	case ERROR_FILE_TOO_LARGE:
		return "The file would be larger than it may be.\r\n";
	case ERROR_BAD_PIPE:
		return "The pipe is not in a state for this.\r\n";
	case ERROR_PIPE_BUSY:
		return "No instance of the pipe is free.\r\n";
	case ERROR_NO_DATA:
		return "The pipe is being closed.\r\n";
	case ERROR_PIPE_NOT_CONNECTED:
		return "Nobody is at the other end of the pipe.\r\n";
	case ERROR_MORE_DATA:
		return "There is more than fitted.\r\n";
	case ERROR_NO_WORK_DONE:
		return "There was nothing to do.\r\n";
	case WAIT_TIMEOUT:
		return "The wait was over before what it waited for.\r\n";
	case ERROR_NO_MORE_ITEMS:
		return "There are no more of these.\r\n";
	case ERROR_DIRECTORY:
		return "This is not the name of a directory.\r\n";
	case ERROR_NOT_OWNER:
		return "It belongs to somebody else.\r\n";
	case ERROR_TOO_MANY_POSTS:
		return "The semaphore cannot count any further.\r\n";
	case ERROR_PARTIAL_COPY:
		return "Only a part was transferred.\r\n";
	case ERROR_MR_MID_NOT_FOUND:
		return "There is no message with this number.\r\n";
	case ERROR_INVALID_ADDRESS:
		return "This address cannot be used.\r\n";
	case ERROR_PIPE_CONNECTED:
		return "Somebody is at the other end of the pipe already.\r\n";
	case ERROR_PIPE_LISTENING:
		return "The pipe waits for somebody to connect.\r\n";
	case ERROR_ABANDONED_WAIT_0:
		return "What was waited for has been closed.\r\n";
	case ERROR_OPERATION_ABORTED:
		return "The operation was cancelled.\r\n";
	case ERROR_IO_INCOMPLETE:
		return "The operation is not over yet.\r\n";
	case ERROR_IO_PENDING:
		return "The operation goes on; its end will be told.\r\n";
	case ERROR_NOACCESS:
		return "This memory cannot be accessed.\r\n";
	case ERROR_SWAPERROR:
		return "A page could not be read in.\r\n";
	case ERROR_STACK_OVERFLOW:
		return "The stack is used up.\r\n";
	case ERROR_INVALID_FLAGS:
		return "These flags do not go here.\r\n";
	case ERROR_UNRECOGNIZED_VOLUME:
		return "The volume holds nothing that is known.\r\n";
	case ERROR_FILE_INVALID:
		return "The file has changed from under its handle.\r\n";
	case ERROR_NO_TOKEN:
		return "There is no such token.\r\n";
	case ERROR_SERVICE_NOT_ACTIVE:
		return "The service does not run.\r\n";
	case ERROR_NO_UNICODE_TRANSLATION:
		return "The text has a character that cannot be converted.\r\n";
	case ERROR_IO_DEVICE:
		return "The device reports an error.\r\n";
	case ERROR_POSSIBLE_DEADLOCK:
		return "Waiting for this might never end.\r\n";
	case ERROR_TOO_MANY_LINKS:
		return "The file has as many names as it can have.\r\n";
	case ERROR_DEVICE_NOT_CONNECTED:
		return "The device is not connected.\r\n";
	case ERROR_NOT_FOUND:
		return "It was not found.\r\n";
	case ERROR_NO_MATCH:
		return "There is no match.\r\n";
	case ERROR_CANCELLED:
		return "The user has cancelled it.\r\n";
	case ERROR_CONNECTION_REFUSED:
		return "The connection was refused.\r\n";
	case ERROR_REQUEST_ABORTED:
		return "The request was broken off.\r\n";
	case ERROR_CONNECTION_ABORTED:
		return "The connection was broken off here.\r\n";
	case ERROR_RETRY:
		return "It may work if tried again.\r\n";
	case ERROR_NOT_AUTHENTICATED:
		return "Nobody has said who this is.\r\n";
	case ERROR_ALREADY_INITIALIZED:
		return "That has been done before.\r\n";
	case ERROR_NO_MORE_DEVICES:
		return "There are no more devices.\r\n";
	case ERROR_PRIVILEGE_NOT_HELD:
		return "This needs a privilege that is missing.\r\n";
	case ERROR_FILE_CORRUPT:
		return "The file is damaged beyond use.\r\n";
	case ERROR_DISK_CORRUPT:
		return "The file system is damaged beyond use.\r\n";
	case ERROR_NO_SYSTEM_RESOURCES:
		return "The system has too little left for this.\r\n";
	case ERROR_WORKING_SET_QUOTA:
		return "The process may not lock so much memory.\r\n";
	case ERROR_TIMEOUT:
		return "The time is over.\r\n";
	case ERROR_DEVICE_REMOVED:
		return "The device was taken away.\r\n";
	case ERROR_INVALID_USER_BUFFER:
		return "The buffer does not do for this.\r\n";
	case ERROR_UNRECOGNIZED_MEDIA:
		return "The medium cannot be made sense of.\r\n";
	case ERROR_NOT_ENOUGH_QUOTA:
		return "The quota is used up.\r\n";
	case ERROR_CANT_ACCESS_FILE:
		return "The file cannot be accessed.\r\n";
	case ERROR_CANT_RESOLVE_FILENAME:
		return "The name leads round in circles.\r\n";
	case ERROR_REQUEST_PAUSED:
		return "The request was halted, to go on later.\r\n";
	}
	return NULL;
}
