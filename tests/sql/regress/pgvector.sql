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

SELECT '[1,2]'::int;

SELECT 1 <-> 2;
