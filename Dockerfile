# The tags are exact versions. A registry can still move a tag; to rule that out, pin the digest: FROM node:26.10.0-trixie-slim@sha256:…
FROM node:26.10.0-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json rolldown.config.ts build.ts ./
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund && mkdir data

FROM node:26.10.0-trixie-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATABASE_URL=sqlite:/data/gateway.db
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# The only folder that is written to; the rest may be read-only.
COPY --from=build --chown=1000:1000 /app/data /data
VOLUME /data
# The image's user "node", as a number so that an orchestrator can verify that it is not root.
USER 1000:1000
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node is started directly, without a shell or npm, so that it receives SIGTERM.
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve"]
