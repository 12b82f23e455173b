/* Target: arbitrary text as a key file, as the words of a key, as an API key. */
#include "crypto/access.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool right) {
  if (!right) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  char words[SB_WORDS_SIZE], prefix[SB_API_KEY_PREFIX + 1], *text = malloc(size + 1);
  sb_root *root = NULL, *again = NULL;
  sb_error error = {0};
  check(text);
  memcpy(text, bytes, size);
  text[size] = 0;
  if (sb_root_parse(text, size, "the file", &root, &error) == SB_OK) {
    sb_root_words(root, words);
    check(sb_root_from_words(words, &again, &error) == SB_OK && !memcmp(root->key, again->key, SB_KEY_SIZE));
    sb_root_free(again);
    sb_root_free(root);
  } else {
    check(error.code == SB_WRONG_KEY && *error.message);
  }
  if (sb_root_from_words(text, &root, &error) == SB_OK)
    sb_root_free(root);
  else
    check(error.code == SB_INVALID);
  if (sb_crypto_api_key_parse(text, prefix)) check(strlen(prefix) == SB_API_KEY_PREFIX);
  free(text);
  return 0;
}
