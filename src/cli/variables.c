/* Environment variables that are not settings. They hold secrets, which must not be flags: every process can read
 * those. */
#include "cli/variables.h"

const char *const sb_cli_variables[][2] = {
    {"SEMBLANCE_CONF", "the settings file, in place of the user's"},
    {"SEMBLANCE_KEY", "the root key, 64 hex digits"},
    {"SEMBLANCE_KEY_FILE", "a file that holds the root key"},
    {"SEMBLANCE_PASSPHRASE", "the passphrase that opens a locked key file"},
    {"SEMBLANCE_NEW_PASSPHRASE", "for `keys passphrase`: the new passphrase, instead of a question"},
    {"SEMBLANCE_ADMIN_PASSWORD", "for `access password`: the new password, instead of a question"},
    {"SEMBLANCE_MQTT_PASSWORD", "for `receivers add`: the password of the URL's user at an MQTT broker"},
    {"SEMBLANCE_WEBHOOK_SECRET", "for `receivers add`: the secret of its signatures, instead of a new one"},
    {"SEMBLANCE_CPU", "scalar, avx2, avx512 or neon: the instructions that searches use, for tests"},
};
const size_t sb_cli_variables_count = sizeof sb_cli_variables / sizeof *sb_cli_variables;
