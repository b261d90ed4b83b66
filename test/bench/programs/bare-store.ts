// node:http and the store's own insert, without GraphQL, credentials or checks: with one commit per event-loop turn or per create.
import { createServer } from 'node:http';
import { v7 as createTimeOrderedGuid } from 'uuid';
import { insertTasks, type StoredDetail } from '../../../src/store/account-tasks.ts';
import { createGroupCommit } from '../../../src/store/group-commit.ts';
import { openDatabase } from '../../../src/store/store.ts';

const database = await openDatabase(process.env['DATABASE_URL'] ?? '');
const [client] = await database.read<{ id: string; account_id: string; name: string }>(
  'SELECT id, account_id, name FROM clients',
);
if (!client) throw new Error('There is no client.');
const isGrouped = process.env['COMMITS'] === 'grouped';
const commits = createGroupCommit({
  database,
  maxPending: 10_000,
  write: async (transaction, details: readonly StoredDetail[]) => {
    await insertTasks(
      transaction,
      details.map((detail) => ({ accountId: client.account_id, detail })),
    );
    return details;
  },
});

async function create(detail: StoredDetail): Promise<StoredDetail> {
  if (isGrouped) return commits.add(detail);
  await database.transaction((transaction) =>
    insertTasks(transaction, [{ accountId: client?.account_id ?? '', detail }]),
  );
  return detail;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const now = new Date().toISOString();
    const detail = {
      Name: 'Usage report',
      ...JSON.parse(Buffer.concat(chunks).toString()),
      ID: createTimeOrderedGuid(),
      Enabled: true,
      DateCreated: now,
      DateModified: now,
      LastRunOn: null,
      LastRunBy: null,
      LastModifiedBy: client.name,
      Status: 'REGISTERED',
      ClientID: client.id,
    } as StoredDetail;
    create(detail)
      .then((created) => {
        const body = JSON.stringify(created);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
        response.end(body);
      })
      .catch(() => response.writeHead(500).end());
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as { port: number }).port}\n`);
});
