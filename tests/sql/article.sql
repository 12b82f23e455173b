INSERT INTO dc_facialmatching.FacialData (SSN, Name, Age, Gender, Ethnicity, FaceVector) VALUES (?, ?, ?, ?, ?, TO_VECTOR(?));
SELECT TOP 1 SSN, Name, Age, Gender, Ethnicity, VECTOR_DOT_PRODUCT(FaceVector, TO_VECTOR(?)) as similarity
  FROM dc_facialmatching.FacialData ORDER BY similarity DESC
