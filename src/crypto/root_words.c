/* The root key as words for paper: proquints (D. Wilkerson 2009). A word is consonant, vowel, consonant, vowel,
 * consonant; a consonant holds 4 bits, a vowel 2. The last word is a check sum: the first 16 bits of the key's BLAKE2b
 * digest. */
#include "crypto/internal.h"

#include <ctype.h>
#include <string.h>

#define SEPARATORS " -\t\r\n"

static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";

static void word_write(unsigned value, char word[5]) {
  word[0] = consonants[value >> 12 & 15];
  word[1] = vowels[value >> 10 & 3];
  word[2] = consonants[value >> 6 & 15];
  word[3] = vowels[value >> 4 & 3];
  word[4] = consonants[value & 15];
}

static unsigned check_of(const uint8_t key[SB_KEY_SIZE]) {
  uint8_t digest[crypto_generichash_BYTES];
  crypto_generichash(digest, sizeof digest, key, SB_KEY_SIZE, NULL, 0);
  return (unsigned)digest[0] << 8 | digest[1];
}

void sb_root_words(const sb_root *root, char words[SB_WORDS_SIZE]) {
  for (size_t i = 0; i <= SB_KEY_SIZE / 2; i++) {
    bool last = i == SB_KEY_SIZE / 2;
    unsigned value = last ? check_of(root->key) : (unsigned)root->key[2 * i] << 8 | root->key[2 * i + 1];
    word_write(value, words + 6 * i);
    words[6 * i + 5] = last ? '\0' : ' ';
  }
}

static int index_in(const char *set, char letter) {
  const char *found = letter ? strchr(set, tolower((unsigned char)letter)) : NULL;
  return found ? (int)(found - set) : -1;
}

/* The 16 bits of a word; -1: not a word. */
static int word_read(const char *word) {
  int value = 0;
  for (int i = 0; i < 5; i++) {
    int digit = index_in(i % 2 ? vowels : consonants, word[i]);
    if (digit < 0) return -1;
    value = i % 2 ? value << 2 | digit : value << 4 | digit;
  }
  return value;
}

/* Reads the 17 words into the key and the check sum. */
static sb_status read_words(const char *words, uint8_t key[SB_KEY_SIZE], unsigned *check, sb_error *error) {
  enum { WORDS = SB_KEY_SIZE / 2 + 1 };
  for (int i = 0; i < WORDS; i++) {
    words += strspn(words, SEPARATORS);
    int value = word_read(words);
    if (value < 0) return sb_fail(error, SB_INVALID, "word %d of the key's 17 words is missing or misspelt", i + 1);
    words += 5;
    *check = (unsigned)value;
    if (i == WORDS - 1) break;
    key[2 * i] = (uint8_t)(value >> 8);
    key[2 * i + 1] = (uint8_t)value;
  }
  if (words[strspn(words, SEPARATORS)] || *check != check_of(key))
    return sb_fail(error, SB_INVALID, "the check sum of the key's words is wrong; compare each word with the paper");
  return SB_OK;
}

sb_status sb_root_from_words(const char *words, sb_root **out, sb_error *error) {
  uint8_t key[SB_KEY_SIZE];
  unsigned check = 0;
  sb_status status = sb_crypto_ready(error);
  if (status != SB_OK) return status;
  status = read_words(words, key, &check, error);
  if (status == SB_OK) status = sb_root_new(key, out, error);
  sodium_memzero(key, sizeof key);
  return status;
}
