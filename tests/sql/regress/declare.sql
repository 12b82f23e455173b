CREATE VIRTUAL TABLE a USING semblance(v FLOAT[2]);

CREATE VIRTUAL TABLE b USING semblance(n TEXT, "the vector" VECTOR(FLOAT, 2) metric = dot, [other col] INTEGER NOT NULL UNIQUE);

INSERT INTO b VALUES ('x', '1,2', 1), ('y', '3,4', 2);

SELECT n, [other col] FROM b WHERE "the vector" MATCH '1,1' AND k = 1;

INSERT INTO b VALUES ('z', '5,6', 1);

INSERT INTO b VALUES ('z', '5,6', NULL);

SELECT n, VECTOR_DOT_PRODUCT("the vector", '1,1') FROM b ORDER BY 1;

CREATE VIRTUAL TABLE c USING semblance(v FLOAT[2] metric=l2, n TEXT);

INSERT INTO c VALUES ('0,0', 'origin'), ('3,4', 'five'), ('10,0', 'ten');

SELECT n, distance, similarity FROM c WHERE v MATCH '1,0' AND k = 3;

SELECT n, VECTOR_L2(v, '9,0') d FROM c ORDER BY d LIMIT 1;

EXPLAIN QUERY PLAN SELECT n, VECTOR_L2(v, '9,0') d FROM c ORDER BY d LIMIT 1;

CREATE VIRTUAL TABLE d USING semblance(v);

CREATE VIRTUAL TABLE d USING semblance();

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[0]);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[100000]);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[4096] metric=l2);

CREATE VIRTUAL TABLE d USING semblance(v0 FLOAT[1], v1 FLOAT[1], v2 FLOAT[1], v3 FLOAT[1], v4 FLOAT[1], v5 FLOAT[1], v6 FLOAT[1], v7 FLOAT[1], v8 FLOAT[1], v9 FLOAT[1], v10 FLOAT[1], v11 FLOAT[1], v12 FLOAT[1], v13 FLOAT[1], v14 FLOAT[1], v15 FLOAT[1], v16 FLOAT[1]);

CREATE VIRTUAL TABLE d USING semblance(v BIT[8] metric=l2);

CREATE VIRTUAL TABLE d USING semblance(v TEXT[2]);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2] metric=hamming);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2], distance REAL);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2], d INTEGER);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2], n INTEGER DEFAULT 5);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2], n INTEGER CHECK (n > 0));

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2], n TEXT, N TEXT);

CREATE VIRTUAL TABLE d USING semblance(v FLOAT[2], n TEXT); DROP TABLE a_rows;

-- tables of a damaged database are told, not crashed on
UPDATE c_vectors SET vector = x'00';

SELECT name FROM sqlite_schema WHERE name LIKE 'd%';
