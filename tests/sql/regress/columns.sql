-- several columns of vectors: each has its own metric, index and conditions
CREATE VIRTUAL TABLE t USING semblance(face FLOAT[2] metric=l2, name TEXT, voice FLOAT[3], note DOUBLE[1] metric=l1); INSERT INTO t VALUES ('0,0', 'a', '1,0,0', '5'), ('3,4', 'b', '0,1,0', '1'), ('9,9', 'c', '0,0,1', '2');

SELECT name, distance FROM t WHERE face MATCH '3,3' AND k = 2; SELECT name, distance FROM t WHERE voice MATCH '0,0,2' AND k = 1; SELECT name, distance FROM t WHERE note MATCH '2.5' AND k = 3 AND distance > 1;

SELECT name, FROM_VECTOR(voice) voice, FROM_VECTOR(note) note, FROM_VECTOR(face) face FROM t WHERE face MATCH '9,9' AND k = 1; SELECT FROM_VECTOR(voice) voice FROM t WHERE name = 'b'; SELECT name FROM t ORDER BY VECTOR_L2(face, '9,9') LIMIT 2;

SELECT name FROM t WHERE face MATCH '9,9' AND voice MATCH '1,0,0' AND k = 1;

SELECT name FROM t WHERE voice MATCH '9,9' AND k = 1;

SELECT name FROM t WHERE name MATCH '9,9' AND k = 1;

UPDATE t SET voice = '1,1,0' WHERE name = 'c'; UPDATE t SET rowid = 30 WHERE name = 'a'; DELETE FROM t WHERE name = 'b'; SELECT rowid, name, FROM_VECTOR(face) face, FROM_VECTOR(voice) voice, FROM_VECTOR(note) note FROM t; SELECT rowid, name FROM t WHERE voice MATCH '1,1,0' AND k = 5;

INSERT INTO t(t) VALUES ('integrity-check'); ALTER TABLE t RENAME TO u; SELECT name FROM u WHERE note MATCH '2' AND k = 1; DROP TABLE u; SELECT name FROM sqlite_schema WHERE name LIKE 'u%';

-- vectors that are NULL
CREATE TABLE n (id INT PRIMARY KEY, v VECTOR(FLOAT, 2), w VECTOR(2) NOT NULL); INSERT INTO n VALUES (1, '1,0', '1,1'), (2, NULL, '2,2'), (3, '0,1', '3,3'); INSERT INTO n(id, w) VALUES (4, '4,4'); SELECT id, FROM_VECTOR(v) v, v IS NULL AS missing FROM n;

SELECT id FROM n WHERE v MATCH '1,0' AND k = 9; SELECT id FROM n WHERE v MATCH '1,0'; SELECT id FROM n WHERE v MATCH '1,0' AND id IN (1, 2, 4) AND k = 9; SELECT id, distance FROM n WHERE w MATCH '1,0' AND k = 1;

SELECT id FROM n ORDER BY VECTOR_DOT_PRODUCT(v, '1,0') DESC LIMIT 3; SELECT id FROM n WHERE id > 1 ORDER BY VECTOR_DOT_PRODUCT(v, '1,0') DESC LIMIT 10; SELECT count(*) FROM n WHERE v IS NOT NULL;

INSERT INTO n VALUES (5, '1,1', NULL);

UPDATE n SET w = NULL WHERE id = 1;

UPDATE n SET v = NULL WHERE id = 1; UPDATE n SET v = '5,5' WHERE id = 2; SELECT id, FROM_VECTOR(v) v FROM n; SELECT id FROM n WHERE v MATCH '1,0' AND k = 9; INSERT INTO n(n) VALUES ('integrity-check'); PRAGMA integrity_check;

-- vectors are equal in any form
CREATE VIRTUAL TABLE e USING semblance(v FLOAT[2], w DOUBLE[2], b BIT[8], n INT); INSERT INTO e VALUES ('1,2', '0.1,2', x'0f', 1), ('3,4', '3,4', NULL, 2), (NULL, '3,4', x'ff', 3); SELECT n FROM e WHERE v = '[1, 2]'; SELECT n FROM e WHERE v = x'0000803f00000040' AND n > 0; SELECT n FROM e WHERE '0.1,2.0' = w; SELECT n FROM e WHERE w = '3,4' AND v = TO_VECTOR('3,4', double) ORDER BY rowid DESC; SELECT n FROM e WHERE b = x'ff'; SELECT n FROM e WHERE v = NULL; SELECT n FROM e WHERE v = (SELECT v FROM e WHERE n = 2); SELECT a.n FROM e a JOIN e b ON a.v = b.v ORDER BY 1; SELECT n FROM e WHERE v = '1,2' OR n = 3 ORDER BY n; UPDATE e SET n = 9 WHERE v = '3,4'; DELETE FROM e WHERE w = '0.1,2'; SELECT n FROM e;

SELECT n FROM e WHERE v = 'x';

SELECT n FROM e WHERE v = '1,2,3';

-- whole numbers of eight bits
CREATE VIRTUAL TABLE i USING semblance(v int8[4] metric=l2, name TEXT); INSERT INTO i VALUES (vec_int8('[1,2,3,-4]'), 'text'), (vec_quantize_int8('[1,-1,0,2]', 'unit'), 'unit'), (x'00010203', 'bytes'), ('[0,0,0,127]', 'list'); SELECT name, FROM_VECTOR(v) v FROM i; SELECT name, round(distance, 3) d FROM i WHERE v MATCH vec_int8('[0,1,2,3]') AND k = 2; SELECT name FROM i ORDER BY VECTOR_L2(v, vec_int8(x'0000007f')) LIMIT 1;

INSERT INTO i VALUES ('[1,2,3,128]', 'large');

INSERT INTO i VALUES ('[1,2,3,0.5]', 'fraction');

INSERT INTO i VALUES (vec_int8('[1,2,3]'), 'short');

-- bits
CREATE VIRTUAL TABLE b USING semblance(v bit[16], j BIT(4) metric=jaccard, one BIT(1)); INSERT INTO b VALUES (vec_bit(x'ff00'), '1100', 1), (x'0f0f', '0110', 0), (vec_quantize_binary('[1,1,1,1,-1,-1,-1,-1,0,0,0,0,0,0,0,1]'), '[1,1,1,1]', 0); SELECT rowid, FROM_VECTOR(v) v, FROM_VECTOR(j) j, one FROM b;

SELECT rowid, distance FROM b WHERE v MATCH vec_bit(x'0f00') AND k = 3; SELECT rowid, distance FROM b WHERE v MATCH x'0f00' AND k = 3 AND distance > 1; SELECT rowid, round(distance, 3) d FROM b WHERE j MATCH '1110' AND k = 3; SELECT rowid FROM b ORDER BY jaccard_distance(j, '1110') LIMIT 2; EXPLAIN QUERY PLAN SELECT rowid FROM b ORDER BY hamming_distance(v, x'0f00') LIMIT 2;

SELECT rowid FROM b ORDER BY VECTOR_COSINE(v, x'0f00') DESC LIMIT 2;

INSERT INTO b VALUES ('[0,1,2]', '1111', 0);

INSERT INTO b VALUES (x'ff', '1111', 0);

INSERT INTO b VALUES (x'ffff', '111', 0);

INSERT INTO b(b) VALUES ('integrity-check'); DELETE FROM b WHERE rowid = 1; SELECT count(*) FROM b;

-- halves
CREATE TABLE h (id bigserial PRIMARY KEY, v halfvec(2)); INSERT INTO h(v) VALUES ('[1.23456,2]'), ('[65504,-1e-8]'); SELECT id, FROM_VECTOR(v) v FROM h; SELECT id FROM h ORDER BY v <-> '[1,2]' LIMIT 1; SELECT length(v) - 8 AS bytes FROM h LIMIT 1;

INSERT INTO h(v) VALUES ('[65520,1]');

-- partitions: a condition reads no other rows
CREATE VIRTUAL TABLE p USING semblance(chunk_size=8, owner INTEGER partition key, v FLOAT[1] metric=l2, town TEXT PARTITION KEY); INSERT INTO p SELECT value % 3, '[' || value || ']', 'town ' || (value % 2) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20) SELECT value FROM n); SELECT rowid, owner, town FROM p WHERE v MATCH '[9.4]' AND owner = 1 AND k = 3; SELECT rowid FROM p WHERE v MATCH '[9.4]' AND owner IN (0, 1) AND town = 'town 1' AND k = 3; EXPLAIN QUERY PLAN SELECT id FROM p_rows WHERE c0 = 1; EXPLAIN QUERY PLAN SELECT id FROM p_rows WHERE c2 = 'town 1';

ALTER TABLE p RENAME TO q; CREATE VIRTUAL TABLE p USING semblance(owner INTEGER partition key, v FLOAT[1]); UPDATE q SET owner = 7 WHERE rowid < 4; INSERT OR REPLACE INTO q(rowid, owner, v, town) VALUES (1, 8, '[1]', 'x'); SELECT rowid FROM q WHERE v MATCH '[0]' AND owner = 7 AND k = 9; INSERT INTO q(q) VALUES ('integrity-check');
