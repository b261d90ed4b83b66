import cluster from 'node:cluster';

// Imported by every process of a gateway, it ends those that are to serve before they can.
if (cluster.isWorker) process.exit(7);
