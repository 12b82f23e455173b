-- the first page of pgvector's documentation
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3)); INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]'), ('[0,0,0]');

SELECT id FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5;

SELECT id, embedding <=> '[1,2,4]'::vector AS d FROM items WHERE id < 3 ORDER BY d LIMIT 1;

SELECT id FROM items WHERE embedding <-> '[3,1,2]' < 5 ORDER BY id;

SELECT id, (embedding <#> '[3,1,2]') * -1 AS inner_product, 1 - (embedding <=> '[3,1,2]') AS cosine FROM items ORDER BY id;

SELECT id, embedding <+> (SELECT embedding FROM items WHERE id = 1) AS d FROM items ORDER BY id;

SELECT '[1,2]'::vector <-> '[1,3]'::vector AS a, subvector('[1,2,3]'::vector, 2, 2) <-> '[2,3]' AS b, 'x <-> y' AS c;

UPDATE items SET embedding = '[1,2,4]' WHERE id = 1; DELETE FROM items WHERE id = 3; SELECT id, FROM_VECTOR(embedding) AS embedding FROM items;

INSERT INTO items (id, embedding) VALUES (1, '[1,2,5]');

-- the index answers these
EXPLAIN QUERY PLAN SELECT id FROM items ORDER BY embedding <=> '[3,1,2]' LIMIT 5;

EXPLAIN QUERY PLAN SELECT id, embedding <#> '[3,1,2]'::vector AS d FROM items i WHERE i.id > 0 ORDER BY d LIMIT 5;

EXPLAIN QUERY PLAN SELECT id FROM items ORDER BY l2_distance(embedding, '[3,1,2]') LIMIT 5;

EXPLAIN QUERY PLAN SELECT id FROM items ORDER BY embedding <-> embedding LIMIT 5;

-- indexes
CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);

CREATE INDEX CONCURRENTLY i ON items USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64); DROP INDEX i;

CREATE INDEX ON items USING ivfflat (embedding vector_ip_ops) WITH (lists = 100);

CREATE INDEX ON items USING hnsw (embedding vector_l2_ops) WITH (m = 1);

CREATE INDEX ON items USING hnsw (embedding vector_l2_ops) WITH (lists = 100);

CREATE INDEX ON items USING hnsw (embedding bit_hamming_ops);

CREATE INDEX ON items USING hnsw (id vector_l2_ops);

-- functions
SELECT vector_dims('[1,2,3]') a, vector_norm('[3,4]') b, l2_norm('[3,4]') c, FROM_VECTOR(l2_normalize('[3,4]')) d, FROM_VECTOR(l2_normalize('[0,0]')) e;

SELECT l2_distance('[0,0]', '[3,4]') a, l1_distance('[0,0]', '[3,4]') b, inner_product('[1,2]', '[3,4]') c, cosine_distance('[1,2]', '[2,4]') < 1e-12 d, vector_negative_inner_product('[1,2]', '[3,4]') e;

SELECT FROM_VECTOR(subvector('[1,2,3,4,5]', 1, 3)) a, FROM_VECTOR(subvector('[1,2,3,4,5]', -1, 3)) b, FROM_VECTOR(subvector('[1,2,3,4,5]', 4, 9)) c, subvector(NULL, 1, 1) IS NULL d;

SELECT subvector('[1,2,3]', 4, 1);

SELECT '[1,2]'::vector <-> '[1,2,3]';

SELECT '[3e38]'::vector <-> '[-3e38]' > 6e38 AS a;

SELECT '[4e38]'::vector;

-- types with a length, and other casts
SELECT '[1,2]'::vector(2)::text AS a, '[1.23456]'::halfvec::text AS b, '1011'::bit(3)::text AS c, '10'::bit(3)::text AS d, '10'::varbit(3)::text AS e, 1.5::int AS f, '7.5'::double precision AS g, ARRAY[1, 2.5]::vector::text AS h, 3::bigint / 2 AS i, '0.1'::real > 0.1 AS j;

SELECT '[1,2]'::vector(3);

SELECT '[1,2]'::vector(3, 2);

SELECT '[1,2]'::vector(0);

SELECT '[70000]'::halfvec;

SELECT '[1,2]'::int;

SELECT '{1:1,3:2}/5'::sparsevec;

SELECT '[1,2]'::vector[];

-- operators beside an operand that is cast to a vector
SELECT ('[1,2]'::vector + '[3,4]')::text AS a, ('[1,2]' - '[3,4]'::vector)::text AS b, ('[1,2]'::vector(2) * '[3,4]')::text AS c, ('[1,2]'::halfvec || '[3]')::text AS d, '[1,2]'::vector = '[1,2]' AS e, '[1,2]'::vector < '[1,2,3]' AS f, '[2]'::vector >= '[1,9]' AS g, '[1]'::vector <> '[1]' AS h, 1 - ('[1,0]'::vector <=> '[1,0]'::vector) AS i, 2 * 3 - 1 AS j, 'a' || 'b' AS k;

SELECT '[3e38]'::vector + '[3e38]';

SELECT '[1e-37]'::vector * '[1e-37]';

SELECT '[1,2]'::vector - '[3]';

SELECT vector_cmp('[1,2]', '[2,3,4]') a, vector_cmp('[1,2]', '[1,2]') b, vector_cmp('[1,2,3]', '[1,2]') c, vector_ne('[1]', '[2]') d, vector_lt(NULL, '[1]') IS NULL e;

-- bits
SELECT hamming_distance('111', '100') a, B'101' <~> B'110' b, '1111' <%> '1110' c, jaccard_distance('1111', '0000') d, binary_quantize('[1,0,-1]'::vector)::text e, hamming_distance(B'1', NULL) IS NULL f;

SELECT hamming_distance('111', '00');

SELECT '[1,0]'::vector <~> '[1,2]';

SELECT l2_distance(B'10', B'01');

-- several columns, updates, aggregates
CREATE TABLE many (id bigserial PRIMARY KEY, v vector(2) NOT NULL, h halfvec(2), b bit(3), flag bit(1)); INSERT INTO many (v, h, b, flag) VALUES ('[1,2]', '[1,2]', '101', 1), ('[3,5]'::vector, NULL, B'110', 0); UPDATE many SET v = '[1,3]'::vector(2), h = h + '[1,1]'::halfvec WHERE id = 1; SELECT id, v::text v, h::text h, b::text b, flag FROM many; SELECT id FROM many WHERE v = '[1,3]'::vector;

SELECT avg(v)::text a, sum(v)::text b, sum(h)::text c, sum(id) d, avg(id) e, sum(id + 0.5) f, vector_avg('[1]') IS NULL g, total(id) h FROM many; SELECT flag, avg(v)::text a FROM many GROUP BY flag; SELECT sum(v) s, avg(v) a, sum(id) n FROM many WHERE id > 9; SELECT id, sum(v) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW)::text AS own, sum(id) OVER (ORDER BY id ROWS 1 PRECEDING) AS two FROM many;

SELECT sum(x) FROM (SELECT '[1,2]'::vector x UNION ALL SELECT '[3]'::vector);

SELECT sum(x) FROM (SELECT '[3e38]'::vector x UNION ALL SELECT '[3e38]'::vector);

SELECT avg(x)::text a FROM (SELECT '[3e38]'::vector x UNION ALL SELECT '[3e38]'::vector);

SELECT sum(x) FROM (SELECT '[1]'::vector x UNION ALL SELECT 1);

SELECT sum(x) FROM (SELECT 9223372036854775807 x UNION ALL SELECT 1);

SELECT sum(b) FROM many;

CREATE INDEX ON many USING hnsw (h halfvec_l2_ops); CREATE INDEX ON many USING hnsw (b bit_hamming_ops); SET hnsw.ef_search = 100; SET LOCAL ivfflat.probes = 10; SELECT id FROM many ORDER BY b <~> '111' LIMIT 1; SELECT id FROM many ORDER BY h <-> '[3,1]' LIMIT 5; EXPLAIN QUERY PLAN SELECT id FROM many ORDER BY b <%> '111' LIMIT 5;

SELECT 1 <-> 2;

-- NULL comes last in the order of a distance, with the index and without
CREATE TEMP TABLE n (id int, v vector(2)); INSERT INTO n VALUES (1, NULL), (2, '[1,2]'), (3, '[0,0]'); SELECT id FROM n ORDER BY v <-> '[0,0]'; SELECT id FROM n ORDER BY v <-> '[0,0]' LIMIT 5; SELECT id, v <-> '[0,0]' AS d FROM n ORDER BY d ASC; SELECT id, v <-> '[0,0]' AS d FROM n ORDER BY d ASC LIMIT 5; SELECT id FROM n ORDER BY v <-> (SELECT '[0,0]') DESC; SELECT id FROM n ORDER BY v <-> (SELECT '[0,0]'); SELECT id FROM n ORDER BY VECTOR_L2(v, '[0,0]'); EXPLAIN QUERY PLAN SELECT id FROM n ORDER BY v <-> '[0,0]' LIMIT 5; SELECT sql FROM sqlite_temp_schema WHERE name = 'n'; SELECT count(*) FROM n; CREATE UNLOGGED TABLE u (v vector(2)); INSERT INTO u VALUES ('[1,2]'); SELECT v FROM u;
