#include "import/rules.h"

#include "import/csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "./" and "../" are parts of a path, not hidden names. */
static bool is_hidden(const char *part, size_t length) {
  return part[0] == '.' && length > 1 && !(length == 2 && part[1] == '.');
}

static bool is_left_out(const char *path) {
  const char *part = path;
  for (;; part++) {
    size_t length = strcspn(part, "/");
    if (is_hidden(part, length)) return true;
    if (length == 8 && !strncmp(part, "__MACOSX", 8)) return true;
    if (length == 6 && !strncmp(part, "@eaDir", 6)) return true; /* thumbnails of a Synology server */
    if (!part[length]) break;
    part += length;
  }
  return !strcasecmp(part, "Thumbs.db") || !strcasecmp(part, "desktop.ini");
}

static bool ends_in_csv(const char *path) {
  size_t length = strlen(path);
  return length > 4 && !strcasecmp(path + length - 4, ".csv");
}

bool sb_import_is_csv(const char *path) {
  return ends_in_csv(path) && !is_left_out(path);
}

bool sb_import_is_photo(const char *path) {
  return !ends_in_csv(path) && !is_left_out(path);
}

bool sb_import_has_picture_name(const char *path) {
  static const char *const endings[] = {
      "jpg", "jpeg", "jpe", "jfif", "png", "webp", "heic", "heif", "hif", "avif", "gif", "bmp", "dib", "tif", "tiff",
      "jxl", "jp2",  "j2k", "jpf",  "psd", "xcf",  "ico",  "tga",  "ppm", "pgm",  "svg", "exr", "qoi", "dcm", "apng",
      "cr2", "cr3",  "nef", "arw",  "dng", "orf",  "raf",  "rw2",  "pef", "srw",  "x3f", "raw", "mpo", "pcx", "jps",
  };
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
  for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
    if (!strcasecmp(dot + 1, endings[i])) return true;
  return false;
}

sb_status sb_import_person_of(const char *path, char **id, char **name, sb_error *error) {
  const char *start = path, *end = strrchr(path, '/');
  if (end) {
    for (const char *c = path; c < end; c++)
      if (*c == '/') start = c + 1;
  } else {
    end = strrchr(path, '.');
    if (!end) end = path + strlen(path);
  }
  *id = strndup(start, (size_t)(end - start));
  *name = *id ? sb_strdup(*id, error) : NULL;
  if (!*name) {
    free(*id);
    *id = NULL;
    return sb_fail(error, SB_NO_MEMORY, "out of memory");
  }
  for (char *c = *name; *c; c++)
    if (*c == '_') *c = ' ';
  return SB_OK;
}

/* ---- Rows of a CSV file */

/* Headings in the languages whose spreadsheets people bring; folded, with '_' and '-' as blanks. Words that may mean
 * either an id or a name ("person", "label") are in neither list. */
static const sb_csv_column columns[] = {
    {.name = "id",
     .words = "|ids|identifier|ident|external id|person id|personid|user id|userid|member id|employee id|staff id"
              "|student id|customer id|ssn|subject id|number|no|no.|nr|nr.|num|kennung|personen id|nummer"
              "|personalnummer|mitarbeiternummer|matrikelnummer|ausweisnummer|identificador|numero|dni|codigo"
              "|identifiant|matricule|identificativo|codice|matricola|identificatie|kenmerk|tunnus"
              "|identyfikator|идентификатор|номер|код|编号|编码|番号|아이디|번호|"},
    {.name = "name",
     .words = "|names|full name|fullname|person name|personname|display name|displayname|subject|subject name"
              "|vollstandiger name|vor und nachname|nombre|nombre completo|nombre y apellidos|nom|nom complet"
              "|nom et prenom|prenom et nom|nome|nome completo|nome e cognome|nominativo|naam|volledige naam|namn|navn"
              "|nimi|imie i nazwisko|imie|nazwa|jmeno|nev|ad soyad|isim|имя|фио|ім'я|姓名|名字|名前|氏名|이름|"},
    {.name = "path",
     .words = "|paths|file|files|filename|file name|filepath|file path|photo|photos|photo path|photo file|image|images"
              "|image path|image file|imagepath|img|img path|picture|pic|portrait|url|datei|dateiname|dateipfad|pfad"
              "|foto|bild|bilddatei|archivo|fichero|ruta|imagen|fichier|nom de fichier|chemin|percorso|immagine"
              "|bestand|bestandsnaam|afbeelding|arquivo|imagem|caminho|fil|sokvag|tiedosto|kuva|plik|sciezka|zdjecie"
              "|soubor|fotka|fajl|dosya|resim|fotograf|фаил|фото|фотография|путь|文件|文件名|照片|图片|ファイル|写真"
              "|画像|파일|사진|"},
};
enum { ID, NAME, PATH, COLUMNS };

typedef struct row_reader {
  sb_import_visit_row visit;
  void *context;
} row_reader;

/* A path has a folder or an ending; a heading has neither. */
static bool is_data(char **fields) {
  return fields[PATH] && strpbrk(fields[PATH], "./\\");
}

static sb_status visit_row(void *context, size_t row, char **fields, sb_error *error) {
  const row_reader *reader = context;
  return reader->visit(reader->context, row, fields[ID], fields[NAME], fields[PATH], error);
}

static sb_csv_table table_of(const char *source, row_reader *reader) {
  return (sb_csv_table){source, columns, COLUMNS, is_data, visit_row, reader};
}

sb_status sb_import_rows(const uint8_t *bytes, size_t size, const char *source, sb_import_visit_row visit,
                         void *context, sb_error *error) {
  row_reader reader = {visit, context};
  const sb_csv_table table = table_of(source, &reader);
  return sb_csv_parse(bytes, size, &table, error);
}

sb_status sb_import_rows_of_file(const char *path, sb_import_visit_row visit, void *context, sb_error *error) {
  row_reader reader = {visit, context};
  const sb_csv_table table = table_of(path, &reader);
  return sb_csv_read(path, &table, error);
}
