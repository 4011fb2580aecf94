/* Posts one property: cc -o publish publish.c && ./publish temp 21.5
 *
 * Exit status: 0 when espbridged has the message on disk, 1 when it refused it, 69 when it cannot be reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s NAME VALUE\n", argv[0]);
        return 64;
    }
    const char *path = getenv("ESPBRIDGED_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path ? path : "/run/espbridged.sock");
    int bridge = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bridge < 0 || connect(bridge, (struct sockaddr *)&address, sizeof address) < 0) {
        perror(address.sun_path);
        return 69;
    }
    dprintf(bridge, "{\"method\":\"thing.event.property.post\",\"params\":{\"%s\":%s}}\n", argv[1], argv[2]);
    /* One line is the answer: {"id":"…","status":"queued","receipt":…} */
    FILE *answers = fdopen(bridge, "r");
    char line[4096];
    if (answers == NULL || fgets(line, sizeof line, answers) == NULL) {
        fputs("no answer\n", stderr);
        return 69;
    }
    fputs(line, stdout);
    return strstr(line, "\"status\":\"queued\"") == NULL;
}
