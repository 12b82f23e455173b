-- the first page of IRIS's documentation, word for word
CREATE TABLE Demo (id INTEGER, description VARCHAR(200), embedding VECTOR(DOUBLE, 3)); INSERT INTO Demo (id, description, embedding) VALUES (1, 'one', TO_VECTOR('0.1,0.2,0.3', DOUBLE, 3)); INSERT INTO Demo VALUES (2, 'two', '0,0,0'), (3, 'three', TO_VECTOR('3,2,1', DECIMAL)), (4, 'four', '[1e-9,-1,0.3333333333333333]');

SELECT id, FROM_VECTOR(embedding) AS embedding FROM SQLUser.Demo;

SELECT TOP 3 id FROM Demo ORDER BY VECTOR_COSINE(embedding, TO_VECTOR('0.2,0.4,0.6', DOUBLE)) DESC;

SELECT TOP 3 %ID, id FROM Demo ORDER BY VECTOR_DOT_PRODUCT(embedding, TO_VECTOR('0.2,0.4,0.6', INTEGER)) DESC;

EXPLAIN QUERY PLAN SELECT TOP 3 id FROM Demo ORDER BY VECTOR_DOT_PRODUCT(embedding, TO_VECTOR('0.2,0.4,0.6', DOUBLE)) DESC;

SELECT id FROM Demo WHERE VECTOR_DOT_PRODUCT(embedding, embedding) > 10;

UPDATE Demo SET embedding = TO_VECTOR('9,9,9') WHERE id = 2; SELECT TOP 1 id FROM Demo ORDER BY VECTOR_DOT_PRODUCT(embedding, '1,1,1') DESC;

SELECT id, distance = -VECTOR_DOT_PRODUCT(embedding, '1,1,1') AS same FROM Demo WHERE embedding MATCH '1,1,1' AND k = 4;

-- element types
CREATE TABLE Types (f VECTOR, n INT);

CREATE TABLE f (v VECTOR(FLOAT, 2), n INT); CREATE TABLE i (v VECTOR(INTEGER, 2), n INT); CREATE TABLE d (v VECTOR(DECIMAL, 2), n INT); CREATE TABLE p (v vector(2), n INT);

INSERT INTO f VALUES (TO_VECTOR('1.5,2', double), 1); INSERT INTO d VALUES (TO_VECTOR('0.1,2', integer), 1), ('0.1,2', 2); INSERT INTO p VALUES ('0.1,2', 1); INSERT INTO i VALUES ('1,2', 1), (TO_VECTOR('1.9,-1.9', integer), 2);

INSERT INTO i VALUES ('1.5,2', 3);

CREATE TABLE s (v VECTOR(STRING, 2));

SELECT FROM_VECTOR(v) FROM f UNION ALL SELECT FROM_VECTOR(v) FROM i UNION ALL SELECT FROM_VECTOR(v) FROM d UNION ALL SELECT FROM_VECTOR(v) FROM p;

SELECT n, distance FROM i WHERE v MATCH '1,2' AND k = 2; INSERT INTO i(i) VALUES ('integrity-check');

SELECT TOP 1 n FROM d ORDER BY VECTOR_L2(v, '0.1,2');

-- TO_VECTOR pads, cuts and truncates
SELECT FROM_VECTOR(TO_VECTOR('1,2,3', double, 5)) a, FROM_VECTOR(TO_VECTOR('1,2,3', double, 2)) b, FROM_VECTOR(TO_VECTOR('1.9,-1.9', integer)) c;

SELECT TO_VECTOR('a,b', STRING);

SELECT TO_VECTOR('1,2', timestamp);

SELECT TO_VECTOR('1,2', double, 0);

-- keys
CREATE TABLE people (id INT PRIMARY KEY, code VARCHAR(9) PRIMARY KEY, v VECTOR(2), n INT); INSERT INTO people(id, code, v, n) VALUES (7, 'a', '1,0', 1), (NULL, 'b', '0,1', 2); SELECT rowid, id, code FROM people ORDER BY id DESC;

INSERT INTO people(id, code, v) VALUES (7, 'c', '1,1');

INSERT INTO people(id, code, v) VALUES (9, 'a', '1,1');

INSERT INTO people(code, v) VALUES (NULL, '1,1');

INSERT INTO people(id, code, v) VALUES ('seven', 'c', '1,1');

UPDATE people SET id = 70 WHERE id = 7; UPDATE people SET n = 3 WHERE id = 70; SELECT id, rowid, code, n FROM people WHERE id = 70;

UPDATE people SET id = NULL;

INSERT OR REPLACE INTO people(id, code, v, n) VALUES (70, 'b', '2,2', 4); SELECT id, code, n, FROM_VECTOR(v) v FROM people; SELECT id FROM people WHERE v MATCH '1,1' AND k = 5 AND id IN (70, 8);

EXPLAIN QUERY PLAN SELECT n FROM people WHERE id = 70;

EXPLAIN QUERY PLAN SELECT n FROM people ORDER BY id DESC;

CREATE TABLE two (a INT PRIMARY KEY, b INTEGER PRIMARY KEY, v VECTOR(2));

-- statements and clauses
SELECT id FROM Demo ORDER BY id FETCH FIRST 2 ROWS ONLY;

SELECT id FROM Demo ORDER BY id OFFSET 1 ROW FETCH NEXT 1 ROWS ONLY;

SELECT id FROM Demo ORDER BY id DESC FETCH FIRST ROW ONLY;

SELECT (SELECT id FROM Demo ORDER BY id FETCH FIRST 1 ROWS ONLY) + 1 AS a, 'FETCH FIRST 2 ROWS ONLY' AS b;

EXPLAIN QUERY PLAN SELECT id FROM Demo ORDER BY VECTOR_DOT_PRODUCT(embedding, '1,1,1') DESC FETCH FIRST 2 ROWS ONLY;

SELECT TOP 1 id FROM Demo FETCH FIRST 2 ROWS ONLY;

SELECT 7 %id, id % 2 AS b FROM Demo WHERE %ID < 3 AND Demo.%ID > 1;

SELECT length(NOW()) AS length, NOW() > '2020' AS later;

-- insert a row, or change it
CREATE TABLE Sample (id INT PRIMARY KEY, name TEXT, e VECTOR(FLOAT, 2)); INSERT OR UPDATE INTO Sample VALUES (1, 'a', '1,2'); INSERT OR UPDATE Sample VALUES (1, 'b', TO_VECTOR('1,3', double)); INSERT OR UPDATE INTO Sample (id, name, e) VALUES (1, 'c', '1,4'), (2, 'd', '1,5') -- both
; INSERT OR UPDATE INTO Sample (id, name, e) SELECT TOP 1 id + 7, name, e FROM Sample ORDER BY id; INSERT INTO Sample (id, "name", e) VALUES (2, 'z', '9,9') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, e = EXCLUDED.e; SELECT id, name, e FROM Sample;

INSERT OR UPDATE INTO Sample (id, name) VALUES (1, 'c');

INSERT INTO Sample (id, name, e) VALUES (2, 'z', '9,9') ON CONFLICT (id) DO UPDATE SET name = 'x';

CREATE TABLE ordinary (id INTEGER PRIMARY KEY, name TEXT, n INT); INSERT OR UPDATE INTO ordinary VALUES (1, 'a', 5); INSERT OR UPDATE INTO ordinary (id, name) VALUES (1, 'b'); INSERT OR UPDATE INTO ordinary (id, name) SELECT id, name FROM Sample WHERE id > 1; INSERT INTO ordinary (id, name) VALUES (2, 'q') ON CONFLICT (id) DO UPDATE SET name = excluded.name; SELECT * FROM ordinary;

INSERT INTO ordinary (id, name) VALUES (1, 'q') ON CONFLICT (name) DO UPDATE SET name = excluded.name, id = excluded.id;

INSERT OR UPDATE INTO nowhere (a) VALUES (1);

-- two columns of vectors
CREATE TABLE Two (id INTEGER, embedding VECTOR(DOUBLE, 3), other VECTOR(FLOAT, 2)); INSERT INTO Two VALUES (1, TO_VECTOR('1,2,3', DOUBLE, 3), NULL), (2, NULL, '3,4'); SELECT * FROM Two; SELECT TOP 1 id FROM Two ORDER BY VECTOR_DOT_PRODUCT(other, TO_VECTOR('1,1')) DESC;

DESCRIBE Demo;

DESC SQLUser.people;

DESCRIBE nowhere;

TRUNCATE TABLE Demo; SELECT count(*) FROM Demo;

-- indexes
CREATE INDEX H ON TABLE people (v) AS HNSW(M = 64, efConstruction = 128, Distance = 'Cosine'); DROP INDEX h; DROP INDEX h;

DROP INDEX H ON TABLE people;

DROP INDEX IF EXISTS H ON people;

CREATE TABLE plain (name TEXT); CREATE INDEX r ON plain(name); DROP INDEX r ON TABLE plain; DROP INDEX r;

DROP INDEX H ON TABLE plain;

DROP INDEX H ON TABLE nowhere;

CREATE INDEX H ON TABLE people (v) AS HNSW(Distance='Bogus');

CREATE INDEX H ON TABLE people (v) AS HNSW(M=1);

CREATE INDEX H ON TABLE people (v) AS HNSW(efConstruction=1.5);

CREATE INDEX H ON TABLE people (v) AS HNSW(ef=1);

CREATE INDEX H ON TABLE people (v) AS HNSW(M);

CREATE INDEX H ON TABLE people (v) AS HNSW(M=5 Distance='Cosine');

CREATE INDEX H ON TABLE plain (name) AS HNSW(M=16);

-- models
SELECT EMBEDDING('a text', 'my-config');

SELECT EMBEDDING(x'00');

SELECT EMBEDDING(NULL) IS NULL AS a, FROM_VECTOR(EMBEDDING(TO_VECTOR('1,2'))) AS b;
