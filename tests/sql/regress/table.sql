CREATE VIRTUAL TABLE t USING semblance(v FLOAT[3] metric=cosine, name TEXT COLLATE NOCASE, age INTEGER);

INSERT INTO t(v, name, age) VALUES ('[1,0,0]', 'Ann', 30), ('0,1,0', 'Bob', 40), (TO_VECTOR('0,0,1'), 'Cid', 50), ('1,1,0', 'Dee', NULL);

INSERT INTO t(rowid, v, name, age) VALUES (100, x'0000803f0000803f0000803f', 'Eve', 60), (-5, '[-1,0,0]', 'Fay', 20);

SELECT rowid, FROM_VECTOR(v), name, age FROM t;

SELECT rowid, name, round(distance, 4), round(similarity, 4), k FROM t WHERE v MATCH '[1,0.1,0]' AND k = 3;

-- conditions are met before the k nearest are taken
SELECT rowid, name FROM t WHERE v MATCH '1,0,0' AND k = 2 AND age > 30;

SELECT rowid, name FROM t WHERE v MATCH '1,0,0' AND k = 2 AND rowid IN (2, 3, 100, 7);

SELECT rowid, name FROM t WHERE v MATCH '1,0,0' AND k = 3 AND name IN ('bob', 'CID') AND age < 45;

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 9 AND age IS NULL;

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 9 AND age IS NOT NULL AND name LIKE '%e%';

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 9 AND rowid = -5;

-- without k: in the order of distance, for as long as rows are taken; whatever the condition
SELECT name FROM t WHERE v MATCH '1,0,0' ORDER BY distance LIMIT 2 OFFSET 1;

SELECT name FROM t WHERE v MATCH '1,0,0' AND (age > 45 OR name = 'DEE') ORDER BY similarity DESC LIMIT 2;

SELECT count(*) FROM t WHERE v MATCH '1,0,0';

-- the same asked in the article's way
SELECT name, round(VECTOR_COSINE(v, '1,0,0'), 3) AS s FROM t ORDER BY s DESC LIMIT 3;

EXPLAIN QUERY PLAN SELECT name, VECTOR_COSINE(v, '1,0,0') AS s FROM t ORDER BY s DESC LIMIT 3;

EXPLAIN QUERY PLAN SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 2 AND age > 30 AND rowid IN (1, 2);

-- scans, look-ups, conditions
SELECT rowid, name FROM t WHERE name = 'ANN' OR age >= 50 ORDER BY rowid DESC;

SELECT name FROM t WHERE rowid = 100;

SELECT name FROM t WHERE rowid IN (1, 100, -5) ORDER BY name;

SELECT avg(age), count(*), min(name) FROM t;

-- joins: one search for each probe
SELECT p.column1, t.name FROM (VALUES ('1,0,0'), ('0,0,1')) p JOIN t ON t.v MATCH p.column1 AND t.k = 1;

-- changes
UPDATE t SET age = 31 WHERE name = 'ann';

UPDATE t SET v = '0,0.9,0.1' WHERE rowid = 1;

UPDATE t SET rowid = 7 WHERE rowid = 2;

DELETE FROM t WHERE name = 'Eve';

SELECT rowid, name, age FROM t WHERE v MATCH '0,1,0' AND k = 10;

INSERT INTO t(t) VALUES('integrity-check');

-- conflicts of the rowid
INSERT INTO t(rowid, v, name) VALUES (7, '1,1,1', 'New');

INSERT OR IGNORE INTO t(rowid, v, name) VALUES (7, '1,1,1', 'Ignored');

INSERT OR REPLACE INTO t(rowid, v, name) VALUES (7, '1,1,1', 'Replaced');

UPDATE OR REPLACE t SET rowid = 3 WHERE rowid = 7;

SELECT rowid, name, FROM_VECTOR(v) FROM t ORDER BY rowid;

INSERT INTO t(t) VALUES('integrity-check');

-- what is refused
INSERT INTO t(v) VALUES ('1,2');

INSERT INTO t(v) VALUES ('0,0,0');

INSERT INTO t(v) VALUES (NULL);

INSERT INTO t(name) VALUES ('no vector');

INSERT INTO t(v) VALUES ('1,2,1e20');

INSERT INTO t(v) VALUES (x'0101ffff0300');

UPDATE t SET v = '1' WHERE rowid = 1;

SELECT name FROM t WHERE v MATCH '1,2' AND k = 1;

SELECT name FROM t WHERE v MATCH '0,0,0' AND k = 1;

SELECT name FROM t WHERE v MATCH NULL AND k = 1;

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 0;

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 1000000000;

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 'many';

SELECT name FROM t WHERE name MATCH 'x';

SELECT name FROM t WHERE k = 3;

SELECT name FROM t WHERE v MATCH '1,0,0' AND v MATCH '0,1,0' AND k = 1;

INSERT INTO t(t) VALUES('optimize');

-- transactions and savepoints
BEGIN; INSERT INTO t(rowid, v, name) VALUES (200, '1,0,0', 'Gone'); SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 1; ROLLBACK; SELECT count(*) FROM t WHERE name = 'Gone';

BEGIN; INSERT INTO t(rowid, v, name) VALUES (201, '1,0,0', 'Kept'); SAVEPOINT s; DELETE FROM t WHERE rowid = 201; SELECT count(*) FROM t WHERE v MATCH '1,0,0' AND name = 'Kept'; ROLLBACK TO s; SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 1; COMMIT;

SELECT name FROM t WHERE v MATCH '1,0,0' AND k = 1;

-- renamed, vacuumed, dropped
ALTER TABLE t RENAME TO people; VACUUM; SELECT name FROM people WHERE v MATCH '1,0,0' AND k = 1; INSERT INTO people(people) VALUES('integrity-check');

SELECT name FROM sqlite_schema ORDER BY name;

DROP TABLE people;

SELECT count(*) FROM sqlite_schema;
