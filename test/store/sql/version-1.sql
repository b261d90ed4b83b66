-- A database as the program of schema version 1 left it, tables and rows, read out of its file.
CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
INSERT INTO schema_migrations VALUES(1,'2026-11-24T15:16:11.228Z');
CREATE TABLE clients (
        id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, secret_hash TEXT NOT NULL, created_at TEXT NOT NULL
      );
INSERT INTO clients VALUES('01a20e20-f760-7784-911a-86c68107a8b1','0f8fad5b-d9cb-469f-a165-70867728950e','reports','scrypt:lI_Ys2m8ApCaElUPrYbimg:P4L1onD8CBVPOaya1ckJBKJVrrgRiF0j9nuR3bv5qI8','2026-11-24T15:16:11.354+00:00');
CREATE TABLE catalogue (id TEXT PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO catalogue VALUES('86cb791c-8078-41ae-a045-5dded04c9589','Usage report');
CREATE TABLE tokens (
        hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, client_id TEXT REFERENCES clients (id), expires_at TEXT NOT NULL
      );
INSERT INTO tokens VALUES('50ltkRPB44KcvfV6AjfUiGApDjDihbtgPDuJkf5AAmQ','0f8fad5b-d9cb-469f-a165-70867728950e','01a20e20-f760-7784-911a-86c68107a8b1','2026-11-24T23:16:14.094Z');
CREATE TABLE account_tasks (
        account_id TEXT NOT NULL, id TEXT NOT NULL,
        task_id TEXT NOT NULL REFERENCES catalogue (id), client_id TEXT NOT NULL REFERENCES clients (id),
        name TEXT NOT NULL, enabled SMALLINT NOT NULL, frequency TEXT NOT NULL, start_date TEXT, finish_date TEXT,
        parameters TEXT NOT NULL, content_type TEXT NOT NULL, notification TEXT NOT NULL,
        date_created TEXT NOT NULL, date_modified TEXT NOT NULL, last_run_on TEXT, last_run_by TEXT,
        last_modified_by TEXT NOT NULL, status TEXT NOT NULL,
        PRIMARY KEY (account_id, id)
      );
INSERT INTO account_tasks VALUES('0f8fad5b-d9cb-469f-a165-70867728950e','01a20e21-1790-746a-b02f-506d8f77939c','86cb791c-8078-41ae-a045-5dded04c9589','01a20e20-f760-7784-911a-86c68107a8b1','Usage report',1,'DAILY','2026-02-22T04:10:00.9543747+02:00',NULL,'{"report":"usage"}','application/json','NONE','2026-11-24T15:16:19.471+00:00','2026-11-24T15:16:19.471+00:00',NULL,NULL,'reports','REGISTERED');
INSERT INTO account_tasks VALUES('0f8fad5b-d9cb-469f-a165-70867728950e','01a20e21-17c5-7654-ad6a-a4993eb0f76f','86cb791c-8078-41ae-a045-5dded04c9589','01a20e20-f760-7784-911a-86c68107a8b1','Usage report',1,'DAILY','2026-02-22T04:10:00.9543747+02:00',NULL,'{"report":"ü"}','application/json','NONE','2026-11-24T15:16:19.525+00:00','2026-11-24T15:16:19.525+00:00',NULL,NULL,'reports','REGISTERED');
CREATE INDEX clients_of_account ON clients (account_id, id);
CREATE INDEX tokens_by_expiry ON tokens (expires_at);
