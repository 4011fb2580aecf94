// What a program with SQLite and a thread for it cannot go far below: the daemon's time to `queued` is to be read beside it.
//
// Each request on a Unix socket becomes a row in tables like the outbox's, is committed and synced on a thread of its own, and
// answered by the thread that reads the socket. No JSON is read, and no error is handled but by ending.
// Usage: floor DATABASE SOCKET; ends with its one client.
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static sqlite3 *database;
static sqlite3_stmt *begin, *insert, *books, *commit;
static char request[4096];
static int request_length, done;
static long count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int has_request;

static void check(int good, const char *what) {
    if (good) return;
    perror(what);
    exit(1);
}

static void step(sqlite3_stmt *statement) {
    check(sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK, sqlite3_errmsg(database));
}

static sqlite3_stmt *prepare(const char *text) {
    sqlite3_stmt *statement;
    check(sqlite3_prepare_v2(database, text, -1, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(database));
    return statement;
}

static void open_database(const char *path) {
    check(sqlite3_open(path, &database) == SQLITE_OK, path);
    const char *layout =
        "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE message (sequence INTEGER PRIMARY KEY, queued_at, size, qos, epoch, program, connection, awaits,"
        " alink_id TEXT, topic TEXT, payload BLOB);"
        "CREATE INDEX message_by_turn ON message (epoch, program, connection);"
        "CREATE INDEX message_by_id ON message (alink_id);"
        "CREATE TABLE ledger (id INTEGER PRIMARY KEY, received, waiting); INSERT INTO ledger VALUES (1, 0, 0)";
    check(sqlite3_exec(database, layout, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(database));
    begin = prepare("BEGIN IMMEDIATE");
    insert = prepare(
        "INSERT INTO message VALUES (?, 1795654512833, 300, 1, 3, 7, 9, 0, ?, '/sys/a1B2c3D4e5F/gateway-1/thing/event', ?)");
    books = prepare("UPDATE ledger SET received = ?, waiting = ?");
    commit = prepare("COMMIT");
}

static void store(void) {
    char identifier[24];
    snprintf(identifier, sizeof identifier, "%ld", 776680610 + ++count);
    step(begin);
    sqlite3_bind_int64(insert, 1, count);
    sqlite3_bind_text(insert, 2, identifier, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 3, request, request_length, SQLITE_STATIC);
    step(insert);
    sqlite3_bind_int64(books, 1, count);
    sqlite3_bind_int64(books, 2, count);
    step(books);
    step(commit);
}

static void *store_requests(void *unused) {
    (void)unused;
    while (1) {
        pthread_mutex_lock(&mutex);
        while (!has_request) pthread_cond_wait(&condition, &mutex);
        has_request = 0;
        pthread_mutex_unlock(&mutex);
        store();
        eventfd_write(done, 1);
    }
    return NULL;
}

int main(int number, char **arguments) {
    check(number == 3, "usage: floor DATABASE SOCKET");
    open_database(arguments[1]);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, arguments[2], sizeof address.sun_path - 1);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0, arguments[2]);
    int client = accept(listener, NULL, NULL);
    done = eventfd(0, EFD_NONBLOCK);
    int poller = epoll_create1(0);
    struct epoll_event wanted[] = {{EPOLLIN, {.fd = client}}, {EPOLLIN, {.fd = done}}};
    for (int index = 0; index < 2; index++) epoll_ctl(poller, EPOLL_CTL_ADD, wanted[index].data.fd, &wanted[index]);
    pthread_t thread;
    check(pthread_create(&thread, NULL, store_requests, NULL) == 0, "thread");
    while (1) {
        struct epoll_event event;
        if (epoll_wait(poller, &event, 1, -1) != 1) continue;
        if (event.data.fd == client) {
            request_length = recv(client, request, sizeof request, 0);
            if (request_length <= 0) return 0;
            pthread_mutex_lock(&mutex);
            has_request = 1;
            pthread_cond_signal(&condition);
            pthread_mutex_unlock(&mutex);
        } else {
            eventfd_t times;
            eventfd_read(done, &times);
            const char answer[] = "{\"id\":\"776680610\",\"status\":\"queued\",\"receipt\":4711}\n";
            check(send(client, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0, "send");
        }
    }
}
