import { createServer, type Socket } from 'node:net';

/** The contract's sample answer with the values this project knows, in both formats. */
const JSON_ANSWER = JSON.stringify({
  Error: null,
  ResponseData: {
    Identification: { UserId: '5b4c3a29-1807-4f6e-8d5c-4b3a29180716' },
    Result: 'OK',
    Detail: {
      ID: '38706cb9-d3c5-4ec9-80f7-97a5373b2de5',
      TaskID: '86cb791c-8078-41ae-a045-5dded04c9589',
      Name: 'Usage report',
      Enabled: true,
      Frequency: 'DAILY',
      StartDate: '2026-02-22T04:10:00.9543747+00:00',
      FinishDate: '2026-03-22T04:10:00.9543747+00:00',
      Parameters: '{"report":"usage","days":30}',
      ContentType: 'application/json',
      Notification: 'EMAIL',
      DateCreated: '2026-02-22T04:10:00.9620006+00:00',
      DateModified: '2026-02-22T04:10:00.9620006+00:00',
      LastRunOn: null,
      LastRunBy: null,
      LastModifiedBy: 'someone',
      Status: 'REGISTERED',
      ClientID: 'b83dfa0d-57bb-4efc-91d0-1a2f4f394d65',
    },
  },
});
const XML_ANSWER = `<ResponseOfAccountTaskResponse xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><ResponseData><Result>OK</Result><Identification><UserId>5b4c3a29-1807-4f6e-8d5c-4b3a29180716</UserId></Identification><Detail><ID>38706cb9-d3c5-4ec9-80f7-97a5373b2de5</ID><TaskID>86cb791c-8078-41ae-a045-5dded04c9589</TaskID><Name>Usage report</Name><Enabled>true</Enabled><Frequency>DAILY</Frequency><StartDate>2026-02-22T04:10:00.9543747+00:00</StartDate><FinishDate>2026-03-22T04:10:00.9543747+00:00</FinishDate><Parameters>{"report":"usage","days":30}</Parameters><ContentType>application/json</ContentType><Notification>EMAIL</Notification><DateCreated>2026-02-22T04:10:00.9620006+00:00</DateCreated><DateModified>2026-02-22T04:10:00.9620006+00:00</DateModified><LastRunOn xsi:nil="true" /><LastModifiedBy>someone</LastModifiedBy><Status>REGISTERED</Status><ClientID>b83dfa0d-57bb-4efc-91d0-1a2f4f394d65</ClientID></Detail></ResponseData></ResponseOfAccountTaskResponse>`;

const RESPONSES = { json: toResponse('application/json', JSON_ANSWER), xml: toResponse('application/xml', XML_ANSWER) };
const HEAD_END = Buffer.from('\r\n\r\n');

export interface BenchUpstream {
  readonly url: string;
  /** The number of answered POSTs. */
  readonly answered: () => number;
  readonly close: () => void;
}

/** Starts a service at minimal cost: it finds the end of each request and answers with constant bytes. */
export async function startUpstream(): Promise<BenchUpstream> {
  let answered = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (;;) {
        const headEnd = pending.indexOf(HEAD_END);
        if (headEnd === -1) return;
        const head = pending.toString('latin1', 0, headEnd).toLowerCase();
        const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
        const end = headEnd + HEAD_END.length + length;
        if (pending.length < end) return;
        pending = pending.subarray(end);
        answered += 1;
        socket.write(head.includes('content-type: application/xml') ? RESPONSES.xml : RESPONSES.json);
      }
    });
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    answered: () => answered,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function toResponse(type: string, body: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}
