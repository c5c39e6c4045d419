FROM node:26-slim

ENV NODE_ENV=production
WORKDIR /app

# Production dependencies only: the Node of the image runs the TypeScript sources as they are.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

COPY src ./src
# Where an embedded store (STORE_URL=file:./data, the default) keeps its files; mount a volume here to keep them.
RUN mkdir -p data node_modules/.cache && chown node:node data node_modules/.cache

USER node
# Loads everything once, so that what Node makes of the sources is in the image: a container starts sooner.
RUN node src/main.ts --version
EXPOSE 8080 9090
ENTRYPOINT ["node", "src/main.ts"]
CMD ["start"]
