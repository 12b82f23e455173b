/* An operand is a name, a literal, a parameter, a call or parentheses, with casts after it. The distances of pgvector
 * bind tighter than all other operators here, and nobody writes arithmetic beside them without parentheses.
 *
 * SQLite has no types to tell + of vectors from + of numbers, so the operators of arithmetic are those of vectors where
 * an operand beside them is cast to one. */
#include "sql/dialect/pgvector_operators.h"

#include <string.h>

/* Words before which no operand ends. */
static bool is_keyword(const sb_sql_token *t) {
  static const char *const words[] = {"select", "distinct", "all",  "by",   "where",   "and",       "or", "not",
                                      "on",     "having",   "case", "when", "then",    "else",      "in", "values",
                                      "set",    "limit",    "from", "like", "between", "returning", NULL};
  return sb_sql_token_is_any(t, words);
}

static bool is_name(const sb_sql_token *t) {
  return t->kind == SB_SQL_TOKEN_NAME || (t->kind == SB_SQL_TOKEN_WORD && !is_keyword(t));
}

static bool is_literal(const sb_sql_token *t) {
  return t->kind == SB_SQL_TOKEN_STRING || t->kind == SB_SQL_TOKEN_PARAMETER || t->kind == SB_SQL_TOKEN_BLOB ||
         t->kind == SB_SQL_TOKEN_NUMBER;
}

static bool is_colons(const sb_sql_token *t) {
  return sb_sql_token_is_symbol(t, ':') && t->size == 2;
}

static bool follows_at_once(const sb_sql_token_edits *s, size_t i) {
  return i + 1 < s->count &&
         sb_sql_token_at(s, i)->text + sb_sql_token_at(s, i)->size == sb_sql_token_at(s, i + 1)->text;
}

/* ---- Literals of several tokens */

/* B'0101' */
static bool is_bits(const sb_sql_token_edits *s, size_t i) {
  const sb_sql_token *text = sb_sql_token_at(s, i + 1);
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "b") || text->kind != SB_SQL_TOKEN_STRING || !follows_at_once(s, i))
    return false;
  return text->size > 2 && strspn(text->text + 1, "01") == text->size - 2;
}

/* ARRAY[1,2,3], whose brackets are a quoted name in SQLite */
static bool is_array(const sb_sql_token_edits *s, size_t i) {
  const sb_sql_token *list = sb_sql_token_at(s, i + 1);
  if (!sb_sql_token_is(sb_sql_token_at(s, i), "array") || list->kind != SB_SQL_TOKEN_NAME || *list->text != '[')
    return false;
  return strspn(list->text + 1, "0123456789+-.eE, \t\r\n") == list->size - 2;
}

static bool is_pair(const sb_sql_token_edits *s, size_t i) {
  return is_bits(s, i) || is_array(s, i);
}

static sb_status replace_pair(sb_sql_token_edits *s, size_t i, sb_error *error) {
  const sb_sql_token *word = sb_sql_token_at(s, i), *text = sb_sql_token_at(s, i + 1);
  size_t cut = (size_t)(text->text + text->size - word->text);
  if (is_bits(s, i))
    return sb_sql_token_edits_replace(s, word->text, cut, error, "semblance_cast(%.*s, 'varbit')", (int)text->size,
                                      text->text);
  return sb_sql_token_edits_replace(s, word->text, cut, error, "'%.*s'", (int)text->size, text->text);
}

/* ---- Casts */

/* A cast, as tokens: the colons, the type, the parenthesis of its length (0: none), and the token after it. */
typedef struct cast {
  size_t colons, type, open, end;
} cast;

static bool read_cast(const sb_sql_token_edits *s, size_t i, cast *out) {
  if (!is_colons(sb_sql_token_at(s, i)) || !is_name(sb_sql_token_at(s, i + 1))) return false;
  *out = (cast){.colons = i, .type = i + 1, .end = i + 2};
  if (sb_sql_token_is(sb_sql_token_at(s, i + 1), "double") && sb_sql_token_is(sb_sql_token_at(s, i + 2), "precision"))
    out->end++;
  if (!sb_sql_token_is_symbol(sb_sql_token_at(s, out->end), '(') || s->matching[out->end] < 0) return true;
  out->open = out->end;
  out->end = (size_t)s->matching[out->open] + 1;
  return true;
}

/* Reads the cast whose last token is `last`. */
static bool read_cast_back(const sb_sql_token_edits *s, size_t last, cast *out) {
  size_t type = last;
  if (sb_sql_token_is_symbol(sb_sql_token_at(s, last), ')') && s->matching[last] > 0)
    type = (size_t)s->matching[last] - 1;
  if (sb_sql_token_is(sb_sql_token_at(s, type), "precision") && type) type--;
  return type && read_cast(s, type - 1, out) && out->end == last + 1;
}

static bool is_vector_cast(const sb_sql_token_edits *s, const cast *c) {
  return sb_sql_token_is(sb_sql_token_at(s, c->type), "vector") ||
         sb_sql_token_is(sb_sql_token_at(s, c->type), "halfvec");
}

/* ---- Operands */

/* Whether the parenthesis closes the OVER (...) or FILTER (...) of a call. */
static bool is_of_window(const sb_sql_token_edits *s, size_t close) {
  if (s->matching[close] < 2) return false;
  size_t word = (size_t)s->matching[close] - 1;
  bool known = sb_sql_token_is(sb_sql_token_at(s, word), "over") || sb_sql_token_is(sb_sql_token_at(s, word), "filter");
  return known && sb_sql_token_is_symbol(sb_sql_token_at(s, word - 1), ')');
}

/* The first token of the operand whose last one is `last`; SIZE_MAX: there is none. */
static size_t operand_begin(const sb_sql_token_edits *s, size_t last) {
  size_t i = last;
  cast c;
  while (read_cast_back(s, i, &c) && c.colons) i = c.colons - 1; /* x::vector */
  if (i && is_pair(s, i - 1)) return i - 1;
  while (sb_sql_token_is_symbol(sb_sql_token_at(s, i), ')') && is_of_window(s, i)) i = (size_t)s->matching[i] - 2;
  if (sb_sql_token_is_symbol(sb_sql_token_at(s, i), ')')) {
    if (s->matching[i] < 0) return SIZE_MAX;
    i = (size_t)s->matching[i];
    if (!i || sb_sql_token_at(s, i - 1)->kind != SB_SQL_TOKEN_WORD || is_keyword(sb_sql_token_at(s, i - 1))) return i;
    i--;
  } else if (!is_name(sb_sql_token_at(s, i)) && !is_literal(sb_sql_token_at(s, i))) {
    return SIZE_MAX;
  }
  while (i >= 2 && is_name(sb_sql_token_at(s, i)) && sb_sql_token_is_symbol(sb_sql_token_at(s, i - 1), '.') &&
         is_name(sb_sql_token_at(s, i - 2)))
    i -= 2;
  return i;
}

/* The token after the operand that begins at `i`; 0: there is none. */
static size_t operand_end(const sb_sql_token_edits *s, size_t i) {
  size_t end = i + 1;
  cast c;
  if (is_pair(s, i)) {
    end++;
  } else if (is_name(sb_sql_token_at(s, i))) {
    while (sb_sql_token_is_symbol(sb_sql_token_at(s, end), '.') && is_name(sb_sql_token_at(s, end + 1))) end += 2;
    if (sb_sql_token_is_symbol(sb_sql_token_at(s, end), '(') && s->matching[end] >= 0)
      end = (size_t)s->matching[end] + 1;
  } else if (sb_sql_token_is_symbol(sb_sql_token_at(s, i), '(') && s->matching[i] >= 0) {
    end = (size_t)s->matching[i] + 1;
  } else if (!is_literal(sb_sql_token_at(s, i))) {
    return 0;
  }
  while (read_cast(s, end, &c)) end = c.end;
  return end;
}

/* x OPERATOR y, whose operator has `size` characters from token `i` on, becomes function(x, y). */
static sb_status replace_operator(sb_sql_token_edits *s, size_t i, size_t size, const char *function, sb_error *error) {
  size_t begin = i ? operand_begin(s, i - 1) : SIZE_MAX, end = operand_end(s, i + size);
  if (begin == SIZE_MAX || !end) return SB_OK; /* SQLite reports the syntax error */
  const sb_sql_token *last = sb_sql_token_at(s, end - 1);
  sb_status status = sb_sql_token_edits_replace(s, sb_sql_token_at(s, begin)->text, 0, error, "%s(", function);
  if (status == SB_OK) status = sb_sql_token_edits_replace(s, sb_sql_token_at(s, i)->text, size, error, ",");
  return status == SB_OK ? sb_sql_token_edits_replace(s, last->text + last->size, 0, error, ")") : status;
}

/* ---- Distances */

/* The function of the operator at token `i`, three symbols without a space; NULL: it is none. */
static const char *distance_function(const sb_sql_token_edits *s, size_t i) {
  static const struct {
    const char *symbols, *function;
  } operators[] = {{"<->", "l2_distance"}, {"<=>", "cosine_distance"},  {"<#>", "vector_negative_inner_product"},
                   {"<+>", "l1_distance"}, {"<~>", "hamming_distance"}, {"<%>", "jaccard_distance"}};
  const char *text = sb_sql_token_at(s, i)->text;
  if (!sb_sql_token_is_symbol(sb_sql_token_at(s, i), '<') || (size_t)(s->end - text) < 3) return NULL;
  for (size_t o = 0; o < sizeof operators / sizeof *operators; o++)
    if (!memcmp(text, operators[o].symbols, 3)) return operators[o].function;
  return NULL;
}

/* ---- Arithmetic and comparisons of vectors */

/* The operator at token `i`; its size is 0 where there is none. */
typedef struct vector_op {
  const char *symbols, *function;
  bool comparison;
} vector_op;

static const vector_op *vector_operator(const sb_sql_token_edits *s, size_t i) {
  static const vector_op operators[] = {
      {"||", "vector_concat", false}, {"<=", "vector_le", true}, {">=", "vector_ge", true},  {"<>", "vector_ne", true},
      {"!=", "vector_ne", true},      {"==", "vector_eq", true}, {"+", "vector_add", false}, {"-", "vector_sub", false},
      {"*", "vector_mul", false},     {"=", "vector_eq", true},  {"<", "vector_lt", true},   {">", "vector_gt", true}};
  const char *text = sb_sql_token_at(s, i)->text;
  if (sb_sql_token_at(s, i)->kind != SB_SQL_TOKEN_SYMBOL) return NULL;
  for (size_t o = 0; o < sizeof operators / sizeof *operators; o++) {
    size_t size = strlen(operators[o].symbols);
    if ((size_t)(s->end - text) >= size && !memcmp(text, operators[o].symbols, size)) return &operators[o];
  }
  return NULL;
}

/* Whether the operator at token `i` is one of vectors: an operand beside it is cast to a vector. A comparison needs its
 * left operand to be: in UPDATE ... SET v = x::vector the = is none. Distances bind tighter. */
static bool is_of_vectors(const sb_sql_token_edits *s, size_t i, const vector_op *o) {
  size_t begin = i ? operand_begin(s, i - 1) : SIZE_MAX, end = operand_end(s, i + strlen(o->symbols));
  cast c;
  if (begin == SIZE_MAX || !end || distance_function(s, end) || (begin >= 3 && distance_function(s, begin - 3)))
    return false;
  if (read_cast_back(s, i - 1, &c) && is_vector_cast(s, &c)) return true;
  return !o->comparison && read_cast_back(s, end - 1, &c) && is_vector_cast(s, &c);
}

static sb_status replace_operators(sb_sql_token_edits *s, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < s->count; i++) {
    const char *distance = distance_function(s, i);
    const vector_op *o = distance ? NULL : vector_operator(s, i);
    if (distance)
      status = replace_operator(s, i, 3, distance, error);
    else if (o && is_of_vectors(s, i, o))
      status = replace_operator(s, i, strlen(o->symbols), o->function, error);
    if (distance) i += 2;
    if (o) i += strlen(o->symbols) - 1;
  }
  return status;
}

/* ---- Rewriting casts */

static sb_status check_type(const sb_sql_token_edits *s, const cast *c, sb_error *error) {
  static const char *const known[] = {"vector",   "halfvec", "bit",     "varbit",  "int",  "integer", "bigint",
                                      "smallint", "int2",    "int4",    "int8",    "real", "float",   "float4",
                                      "float8",   "double",  "numeric", "decimal", "text", "varchar", NULL};
  const sb_sql_token *type = sb_sql_token_at(s, c->type), *after = sb_sql_token_at(s, c->end);
  if (after->kind == SB_SQL_TOKEN_NAME && after->size == 2 && !memcmp(after->text, "[]", 2))
    return sb_fail(error, SB_INVALID, "there is no cast to an array; write one vector, or several rows");
  if (sb_sql_token_is_any(type, known)) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "there is no cast to %.*s; vector, halfvec, bit, varbit, integer, real, double precision, numeric and "
                 "text have one",
                 (int)type->size, type->text);
}

/* x::vector becomes to_vector(x); x::type(n) becomes semblance_cast(x, 'type', n). */
static sb_status replace_cast(sb_sql_token_edits *s, const cast *c, sb_error *error) {
  const sb_sql_token *type = sb_sql_token_at(s, c->type), *last = sb_sql_token_at(s, c->end - 1);
  size_t begin = c->colons ? operand_begin(s, c->colons - 1) : SIZE_MAX;
  if (begin == SIZE_MAX) return SB_OK; /* SQLite reports the syntax error */
  sb_status status = check_type(s, c, error);
  if (status != SB_OK) return status;
  bool plain = sb_sql_token_is(type, "vector") && !c->open;
  const char *from = sb_sql_token_at(s, c->colons)->text, *to = last->text + last->size;
  const char *length = c->open ? sb_sql_token_at(s, c->open)->text + 1 : to;
  size_t length_size = c->open ? (size_t)(last->text - length) : 0;
  status = sb_sql_token_edits_replace(s, sb_sql_token_at(s, begin)->text, 0, error,
                                      plain ? "to_vector(" : "semblance_cast(");
  if (status != SB_OK) return status;
  if (plain) return sb_sql_token_edits_replace(s, from, (size_t)(to - from), error, ")");
  return sb_sql_token_edits_replace(s, from, (size_t)(to - from), error, ", '%.*s'%s%.*s)", (int)type->size, type->text,
                                    c->open ? ", " : "", (int)length_size, length);
}

/* Operators come first: where an operand has a cast, the operator's function goes around that of the cast. For the same
 * reason the last of several casts comes first. */
sb_status sb_sql_pgvector_operators(sb_sql_token_edits *s, sb_error *error) {
  sb_status status = replace_operators(s, error);
  cast c;
  for (size_t i = s->count; status == SB_OK && i-- > 0;)
    if (read_cast(s, i, &c)) status = replace_cast(s, &c, error);
  for (size_t i = 0; status == SB_OK && i + 1 < s->count; i++) {
    if (is_bits(s, i) || (is_array(s, i) && is_colons(sb_sql_token_at(s, i + 2)))) status = replace_pair(s, i, error);
  }
  return status;
}
