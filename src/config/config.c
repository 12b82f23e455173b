/* Reads the settings of config.h: the defaults, then the file, then the environment, then the command line. Each value
 * goes through assign(), which checks it against the table. */
#include "config/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

const sb_setting sb_settings[] = {
#define SB_SETTING_ROW(field, type, flag, env, fallback, least, most, help) \
  {#field, flag, env, fallback, help, SB_SETTING_##type, least, most},
    SB_SETTING_LIST(SB_SETTING_ROW)
#undef SB_SETTING_ROW
};
const size_t sb_settings_count = SB_SETTING_COUNT;

static const size_t offsets[] = {
#define SB_SETTING_OFFSET(field, type, flag, env, fallback, least, most, help) offsetof(sb_config, field),
    SB_SETTING_LIST(SB_SETTING_OFFSET)
#undef SB_SETTING_OFFSET
};

static bool is_setting(size_t index, const char *key) {
  return !strcmp(sb_settings[index].key, key);
}

static bool parse_bool(const char *text, bool *value) {
  *value = !strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "1") || !strcmp(text, "on");
  return *value || !strcmp(text, "false") || !strcmp(text, "no") || !strcmp(text, "0") || !strcmp(text, "off");
}

static sb_status assign_text(sb_config *config, size_t index, const char *text, sb_error *error) {
  char *copy = sb_strdup(text, error);
  if (!copy) return SB_NO_MEMORY;
  free(config->owned[index]);
  *(const char **)(void *)((char *)config + offsets[index]) = config->owned[index] = copy;
  return SB_OK;
}

/* "127.0.0.1", "127.0.0.1:8501", "::1", "[::1]" or "[::1]:8501". `text` is cut in two in place; `*port` is what stands
 * behind the address, or NULL. */
static char *split_address(char *text, char **port) {
  char *colon = strrchr(text, ':'), *bracket = *text == '[' ? strchr(text, ']') : NULL;
  *port = NULL;
  if (bracket) {
    if (bracket[1] && bracket[1] != ':') return text;
    if (bracket[1]) *port = bracket + 2;
    *bracket = 0;
    return text + 1;
  }
  if (!colon || strchr(text, ':') != colon) return text; /* more than one: an IPv6 address */
  *colon = 0;
  *port = colon + 1;
  return text;
}

/* A port in the address goes before --port of an earlier source. */
static sb_status assign_listen(sb_config *config, size_t index, const char *text, const char *where, sb_error *error) {
  char *copy = sb_strdup(text, error), *port = NULL, *end = NULL;
  if (!copy) return SB_NO_MEMORY;
  const char *address = split_address(copy, &port);
  long number = port ? strtol(port, &end, 10) : 0;
  bool wrong = !*address || (port && (*port < '0' || *port > '9' || *end || number > 65535));
  sb_status status = wrong ? sb_fail(error, SB_INVALID, "%s is ADDRESS or ADDRESS:PORT, such as 127.0.0.1:8501", where)
                           : assign_text(config, index, address, error);
  config->listen_port = number;
  free(copy);
  return status;
}

static sb_status choose_port(sb_config *config, sb_error *error) {
  if (!config->listen_port) return SB_OK;
  if (sb_config_by_flag(config, "listen") && sb_config_by_flag(config, "port") && config->port != config->listen_port)
    return sb_fail(error, SB_INVALID, "--listen names port %d and --port names %d: give the port once",
                   (int)config->listen_port, (int)config->port);
  config->port = config->listen_port;
  return SB_OK;
}

/* Parses `text` and stores it in the setting's field. `where` is the flag, variable or line, for the message. */
static sb_status assign(sb_config *config, size_t index, const char *text, const char *where, sb_error *error) {
  const sb_setting *setting = &sb_settings[index];
  void *field = (char *)config + offsets[index];
  char *end = NULL;
  errno = 0;
  switch (setting->type) {
  case SB_SETTING_TEXT:
    if (is_setting(index, "listen")) return assign_listen(config, index, text, where, error);
    return assign_text(config, index, text, error);
  case SB_SETTING_BOOL:
    if (parse_bool(text, field)) return SB_OK;
    return sb_fail(error, SB_INVALID, "%s must be true or false", where);
  case SB_SETTING_INT: {
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || (double)value < setting->least || (double)value > setting->most) break;
    *(int64_t *)field = value;
    if (is_setting(index, "port") && !sb_config_by_flag(config, "listen")) config->listen_port = 0;
    return SB_OK;
  }
  case SB_SETTING_REAL: {
    double value = strtod(text, &end);
    if (errno || end == text || *end || !(value >= setting->least && value <= setting->most)) break;
    *(double *)field = value;
    return SB_OK;
  }
  }
  return sb_fail(error, SB_INVALID, "%s must be a number between %.10g and %.10g", where, setting->least,
                 setting->most);
}

static int find_key(const char *key, size_t length) {
  for (size_t i = 0; i < SB_SETTING_COUNT; i++)
    if (strlen(sb_settings[i].key) == length && !strncmp(sb_settings[i].key, key, length)) return (int)i;
  return -1;
}

static char *trim(char *text) {
  text += strspn(text, " \t\r");
  for (size_t length = strlen(text); length && strchr(" \t\r", text[length - 1]);) text[--length] = 0;
  return text;
}

static sb_status read_line(sb_config *config, char *line, const char *path, int number, sb_error *error) {
  char where[320];
  char *text = trim(line);
  if (!*text || *text == '#') return SB_OK;
  char *equals = strchr(text, '=');
  if (!equals) return sb_fail(error, SB_INVALID, "%.250s, line %d: write it as 'key = value'", path, number);
  *equals = 0;
  char *key = trim(text);
  int index = find_key(key, strlen(key));
  if (index < 0)
    return sb_fail(error, SB_INVALID, "%.250s, line %d: unknown setting '%.40s'; `semblance --help` lists them", path,
                   number, key);
  snprintf(where, sizeof where, "%.200s, line %d: %s", path, number, key);
  return assign(config, (size_t)index, trim(equals + 1), where, error);
}

/* The path of the settings file; `*named`: SEMBLANCE_CONF gives it. NULL with SB_OK where no home folder is known. */
static sb_status file_path(char **path, bool *named, sb_error *error) {
  const char *explicit_path = getenv("SEMBLANCE_CONF"), *home = getenv("HOME"),
             *config_home = getenv("XDG_CONFIG_HOME");
  *named = explicit_path && *explicit_path;
  *path = NULL;
  int length = 0;
  if (*named)
    length = asprintf(path, "%s", explicit_path);
  else if (config_home && *config_home)
    length = asprintf(path, "%s/semblance/semblance.conf", config_home);
  else if (home && *home)
    length = asprintf(path, "%s/.config/semblance/semblance.conf", home);
  return length < 0 ? sb_fail(error, SB_NO_MEMORY, "out of memory") : SB_OK;
}

/* `text` is cut into lines in place. */
static sb_status read_lines(sb_config *config, char *text, const char *path, sb_error *error) {
  for (int number = 1; text; number++) {
    char *next = strchr(text, '\n');
    if (next) *next++ = 0;
    sb_status status = read_line(config, text, path, number, error);
    if (status != SB_OK) return status;
    text = next;
  }
  return SB_OK;
}

/* A file in the default place may be absent; one that SEMBLANCE_CONF names must exist. */
static sb_status load_file(sb_config *config, sb_error *error) {
  char *path = NULL;
  bool named = false;
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = file_path(&path, &named, error);
  if (status != SB_OK || !path) return status;
  status = sb_file_read(path, CONFIG_BYTES_MAX, &bytes, &size, error);
  if (status == SB_OK)
    status = read_lines(config, (char *)bytes, path, error);
  else if (status == SB_NOT_FOUND && !named)
    status = SB_OK;
  free(bytes);
  free(path);
  return status;
}

static sb_status load_defaults(sb_config *config, sb_error *error) {
  for (size_t i = 0; i < SB_SETTING_COUNT; i++) {
    sb_status status = assign(config, i, sb_settings[i].fallback, sb_settings[i].key, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* An empty variable counts as not set. */
static sb_status load_environment(sb_config *config, sb_error *error) {
  for (size_t i = 0; i < SB_SETTING_COUNT; i++) {
    const char *value = getenv(sb_settings[i].environment);
    if (!value || !*value) continue;
    sb_status status = assign(config, i, value, sb_settings[i].environment, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

/* "--flag" or "--flag=VALUE" */
static bool is_flag(const char *argument, const char *flag) {
  size_t length = strlen(flag);
  return !strncmp(argument, flag, length) && (!argument[length] || argument[length] == '=');
}

/* `*taken`: how many arguments the setting at argv[i] occupies, 1 or 2; 0: argv[i] is not a setting. */
static sb_status take_argument(sb_config *config, int argc, char **argv, int i, int *taken, sb_error *error) {
  *taken = 0;
  for (size_t s = 0; s < SB_SETTING_COUNT; s++) {
    const char *flag = is_setting(s, "listen") && is_flag(argv[i], "--host") ? "--host" : sb_settings[s].flag;
    if (!is_flag(argv[i], flag)) continue;
    size_t length = strlen(flag);
    const char *value = argv[i][length] ? argv[i] + length + 1 : NULL;
    *taken = 1;
    if (!value && sb_settings[s].type == SB_SETTING_BOOL) value = "true";
    if (!value && i + 1 >= argc) return sb_fail(error, SB_INVALID, "%s needs a value", flag);
    if (!value) value = argv[i + 1], *taken = 2;
    config->flagged[s] = true;
    return assign(config, s, value, flag, error);
  }
  return SB_OK;
}

static sb_status load_arguments(sb_config *config, int *argc, char **argv, sb_error *error) {
  int kept = 0, i = 0;
  while (i < *argc) {
    if (i > 0 && !strcmp(argv[i], "--")) break; /* kept, because the subcommand needs to see it too */
    int taken = 0;
    sb_status status = i > 0 ? take_argument(config, *argc, argv, i, &taken, error) : SB_OK;
    if (status != SB_OK) return status;
    if (!taken) argv[kept++] = argv[i++];
    i += taken;
  }
  while (i < *argc) argv[kept++] = argv[i++];
  *argc = kept;
  return SB_OK;
}

static sb_status load_all(sb_config *config, int *argc, char **argv, sb_error *error) {
  sb_status status = load_defaults(config, error);
  if (status != SB_OK) return status;
  if ((status = load_file(config, error)) != SB_OK) return status;
  if ((status = load_environment(config, error)) != SB_OK) return status;
  if ((status = load_arguments(config, argc, argv, error)) != SB_OK) return status;
  return choose_port(config, error);
}

sb_status sb_config_load(sb_config *config, int *argc, char **argv, sb_error *error) {
  sb_config loaded = {0};
  sb_status status = load_all(&loaded, argc, argv, error);
  if (status == SB_OK)
    *config = loaded;
  else
    sb_config_free(&loaded);
  return status;
}

void sb_config_free(sb_config *config) {
  for (size_t i = 0; i < SB_SETTING_COUNT; i++) free(config->owned[i]);
  *config = (sb_config){0};
}

bool sb_config_by_flag(const sb_config *config, const char *key) {
  int index = find_key(key, strlen(key));
  return index >= 0 && config->flagged[index];
}
