/* The sandbox of a subcommand. */
#include "cli/confine.h"

#include "engine/engine.h"
#include "sandbox/sandbox.h"

#include <stdlib.h>

enum { PORT_DNS = 53 };

/* Confines the process with Landlock and seccomp before it decodes photos: it may write to the gallery, the cache
 * and, as a server, to the folder for temporary files, where uploads lie encrypted while they are imported; and
 * connect to the database and to the name server. The sockets that a server listens on are open already. */
void sb_cli_confine(const sb_cli *cli) {
  const sb_config *config = cli->config;
  const char *temporary = getenv("TMPDIR");
  char *data = sb_engine_folder(*config->data ? config->data : NULL, NULL);
  char *cache = sb_engine_cache_folder(*config->cache ? config->cache : NULL, NULL);
  const char *const writable[] = {data ? data : "/nonexistent", cache ? cache : "/nonexistent",
                                  cli->command->is_server ? (temporary && *temporary ? temporary : "/var/tmp") : NULL,
                                  NULL};
  uint16_t ports[18] = {0}; /* of the database's servers; ended by 0 */
  size_t count = *config->store ? sb_engine_database_ports(config->store, ports, 8) : 0;
  if (count && *config->store_replica) count += sb_engine_database_ports(config->store_replica, ports + count, 8);
  if (count) {
    ports[count] = PORT_DNS;
    setenv("RES_OPTIONS", "use-vc", 1); /* the sandbox allows no datagrams, so names are looked up over TCP */
  }
  if (data && cache) sb_sandbox_enter(writable, count ? ports : NULL);
  free(data);
  free(cache);
}
