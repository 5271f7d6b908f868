# One image for every service: the command says which. Node runs the TypeScript sources as they are, so nothing is compiled.
#   docker build --tag upshift:local .
# Behind a registry or certificates of one's own:  --secret id=npmrc,src=$HOME/.npmrc  --secret id=ca,src=/path/to/ca.pem
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
# By the lockfile alone: a change of the sources fetches nothing again.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi && \
    npm install --global --no-audit --no-fund --no-update-notifier "$(node -p 'require("./package.json").packageManager')" && \
    pnpm fetch --prod
COPY . .
# The services' user must be able to read what a strict umask gave to its owner alone.
RUN pnpm install --offline --frozen-lockfile --prod && chmod -R a+rX .

FROM ${NODE_IMAGE}
# All files belong to root: the services can not change them, and need not write anywhere but to /tmp.
COPY --from=dependencies /app /app
WORKDIR /app
USER node
ENV NODE_ENV=production HOST=0.0.0.0 PORT=7700
EXPOSE 7700
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node"]
CMD ["services/intake/src/main.ts"]
