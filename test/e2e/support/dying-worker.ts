import cluster from 'node:cluster';

// Imported by every process of a gateway: ends the workers before they serve.
if (cluster.isWorker) process.exit(7);
