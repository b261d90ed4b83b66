-- A database as the program of schema version 2 left it in front of a service, tables and rows, read out of its file. It had
-- forwarded two creates with the key "a key", one for each of the headers "bearer x" and "Bearer <jwt>".
CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
INSERT INTO "schema_migrations" VALUES(1,'2026-11-28T14:32:28.175Z');
INSERT INTO "schema_migrations" VALUES(2,'2026-11-28T14:32:28.186Z');
CREATE TABLE clients (
        id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, secret_hash TEXT NOT NULL, created_at TEXT NOT NULL
      );
CREATE INDEX clients_of_account ON clients (account_id, id);
CREATE TABLE catalogue (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE tokens (
        hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, client_id TEXT REFERENCES clients (id), expires_at TEXT NOT NULL
      );
CREATE INDEX tokens_by_expiry ON tokens (expires_at);
CREATE TABLE account_tasks (
        account_id TEXT NOT NULL, id TEXT NOT NULL,
        task_id TEXT NOT NULL REFERENCES catalogue (id), client_id TEXT NOT NULL REFERENCES clients (id),
        name TEXT NOT NULL, enabled SMALLINT NOT NULL, frequency TEXT NOT NULL, start_date TEXT, finish_date TEXT,
        parameters TEXT NOT NULL, content_type TEXT NOT NULL, notification TEXT NOT NULL,
        date_created TEXT NOT NULL, date_modified TEXT NOT NULL, last_run_on TEXT, last_run_by TEXT,
        last_modified_by TEXT NOT NULL, status TEXT NOT NULL,
        PRIMARY KEY (account_id, id)
      );
CREATE TABLE idempotency_keys (
        scope TEXT NOT NULL, idempotency_key TEXT NOT NULL, fingerprint TEXT NOT NULL, attempt_id TEXT NOT NULL,
        state TEXT NOT NULL, lease_until TEXT NOT NULL, expires_at TEXT NOT NULL, outcome TEXT,
        PRIMARY KEY (scope, idempotency_key)
      );
INSERT INTO "idempotency_keys" VALUES('authorization:9FTR0xjB1um8VV_VfbVbI5cJUP1JXQBUyuwiEzmzXWQ','a key','A0Mmv7P-VmpcIw6eG3Yo_Hi-sH_Osl2QTzEm0WorBQY','2ec5982c-0a6d-45a1-acc1-2e9c54d185b0','CREATED','2026-11-28T14:33:38.564Z','2026-11-29T14:32:28.564Z','{"Identification":{"UserId":"user-1"},"Result":"Created","Detail":{"ID":"63d9f51f-99f6-4509-b50e-ff3d7f6d26f1","TaskID":"86cb791c-8078-41ae-a045-5dded04c9589","Name":"Task","Enabled":true,"Frequency":"NONE","StartDate":"2026-02-22T04:10:00.9543747+00:00","FinishDate":"2026-02-22T04:10:00.9543747+00:00","Parameters":"{\"report\":\"usage\"}","ContentType":"application/json","Notification":"NONE","DateCreated":"2026-11-28T14:32:28.608+00:00","DateModified":"2026-11-28T14:32:28.608+00:00","LastRunOn":null,"LastRunBy":null,"LastModifiedBy":"user-1","Status":"Registered","ClientID":"fe080ed1-d6e8-47b1-b9b2-2bdc068c77c2"}}');
INSERT INTO "idempotency_keys" VALUES('authorization:MX5pQ5H1RATKgN84yaOZIrC5nuG0ulZ7TTHdwsfKH7k','a key','A0Mmv7P-VmpcIw6eG3Yo_Hi-sH_Osl2QTzEm0WorBQY','ba8a3b18-ff43-44e2-a137-9ab01a1dcc69','CREATED','2026-11-28T14:33:38.661Z','2026-11-29T14:32:28.661Z','{"Identification":{"UserId":"user-1"},"Result":"Created","Detail":{"ID":"09370b9c-e037-43d2-8cc6-e89e208c0581","TaskID":"86cb791c-8078-41ae-a045-5dded04c9589","Name":"Task","Enabled":true,"Frequency":"NONE","StartDate":"2026-02-22T04:10:00.9543747+00:00","FinishDate":"2026-02-22T04:10:00.9543747+00:00","Parameters":"{\"report\":\"usage\"}","ContentType":"application/json","Notification":"NONE","DateCreated":"2026-11-28T14:32:28.665+00:00","DateModified":"2026-11-28T14:32:28.665+00:00","LastRunOn":null,"LastRunBy":null,"LastModifiedBy":"user-1","Status":"Registered","ClientID":"0dd62bab-fdd4-4825-b21e-46215130ff06"}}');
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE TABLE recorded_tasks (
        scope TEXT NOT NULL, position TEXT NOT NULL, id TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (scope, position)
      );
INSERT INTO "recorded_tasks" VALUES('authorization:9FTR0xjB1um8VV_VfbVbI5cJUP1JXQBUyuwiEzmzXWQ','01a22292-62c8-7692-b598-fb31869ec2e8','63d9f51f-99f6-4509-b50e-ff3d7f6d26f1','{"ID":"63d9f51f-99f6-4509-b50e-ff3d7f6d26f1","TaskID":"86cb791c-8078-41ae-a045-5dded04c9589","Name":"Task","Enabled":true,"Frequency":"NONE","StartDate":"2026-02-22T04:10:00.9543747+00:00","FinishDate":"2026-02-22T04:10:00.9543747+00:00","Parameters":"{\"report\":\"usage\"}","ContentType":"application/json","Notification":"NONE","DateCreated":"2026-11-28T14:32:28.608+00:00","DateModified":"2026-11-28T14:32:28.608+00:00","LastRunOn":null,"LastRunBy":null,"LastModifiedBy":"user-1","Status":"Registered","ClientID":"fe080ed1-d6e8-47b1-b9b2-2bdc068c77c2"}');
INSERT INTO "recorded_tasks" VALUES('authorization:MX5pQ5H1RATKgN84yaOZIrC5nuG0ulZ7TTHdwsfKH7k','01a22292-62fc-731b-ac87-78125a297a76','09370b9c-e037-43d2-8cc6-e89e208c0581','{"ID":"09370b9c-e037-43d2-8cc6-e89e208c0581","TaskID":"86cb791c-8078-41ae-a045-5dded04c9589","Name":"Task","Enabled":true,"Frequency":"NONE","StartDate":"2026-02-22T04:10:00.9543747+00:00","FinishDate":"2026-02-22T04:10:00.9543747+00:00","Parameters":"{\"report\":\"usage\"}","ContentType":"application/json","Notification":"NONE","DateCreated":"2026-11-28T14:32:28.665+00:00","DateModified":"2026-11-28T14:32:28.665+00:00","LastRunOn":null,"LastRunBy":null,"LastModifiedBy":"user-1","Status":"Registered","ClientID":"0dd62bab-fdd4-4825-b21e-46215130ff06"}');
CREATE UNIQUE INDEX recorded_tasks_by_id ON recorded_tasks (scope, id);
