// What a submission needs besides STOMP or SQS: the login, the stored source, and the stored result.
"use strict";
const { S3Client, GetObjectCommand, PutObjectCommand } = require("@aws-sdk/client-s3");
const { SSMClient, GetParametersCommand } = require("@aws-sdk/client-ssm");
const { randomUUID } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { setTimeout: pause } = require("node:timers/promises");

const environment = process.env.GRADING_ENVIRONMENT ?? "exams";
const bucket = `${environment}-grading-files`;
const s3 = new S3Client({ forcePathStyle: true }); // the region is that of AWS_REGION

/** Read the one or two addresses of the broker, and the login of the web tier. */
async function readLogin() {
  const keys = ["mq/broker-endpoint", "mq-web/username", "mq-web/password"];
  const names = keys.map((key) => `/${environment}/${key}`);
  const found = await new SSMClient().send(
    new GetParametersCommand({ Names: names, WithDecryption: true }));
  const values = Object.fromEntries(found.Parameters.map((each) => [each.Name, each.Value]));
  const [endpoints, user, password] = names.map((name) => values[name]);
  const servers = endpoints.split(",").map((each) => {
    const { hostname, port } = new URL(each.trim().replace("stomp+ssl:", "https:"));
    return { host: hostname, port: Number(port) };
  });
  const ca = process.env.SSL_CERT_FILE && readFileSync(process.env.SSL_CERT_FILE);
  return { servers, user, password, ca };
}

/** Store the source of a submission; returns the request to send. */
async function storeSource({ problemId, language, extension, source, userId }) {
  const requestId = `req_${randomUUID()}`;
  const key = `submissions/${requestId}/solution.${extension}`;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: source }));
  return {
    requestId, userId, problemId, language,
    sourceFile: `s3://${bucket}/${key}`,
    timeLimit: 5000,
    memoryLimit: 256,
    timestamp: new Date().toISOString(),
  };
}

/** The headers of a request. */
function requestHeaders(request) {
  return {
    persistent: "true",
    "correlation-id": request.requestId,
    "content-type": "application/json",
  };
}

/** Wait for the result in the bucket. */
async function readResult(requestId, seconds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(200)) {
    try {
      const key = `results/${requestId}/result.json`;
      const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return JSON.parse(await found.Body.transformToString());
    } catch (error) {
      // A missing object is AccessDenied for a role that may not list the bucket.
      if (!["NoSuchKey", "AccessDenied"].includes(error.name)) throw error;
    }
  }
  throw new Error(`no result of ${requestId} within ${seconds} s; the request stays queued`);
}

/** The submission that the programs send. */
const SAMPLE = {
  problemId: "sum",
  language: "python",
  extension: "py",
  source: "print(sum(map(int, open(0).read().split()[1:])))",
  userId: "user_001",
};

/** Run a program, and print the result that it returns. */
function run(main) {
  main().then(
    ({ status, result, error }) =>
      console.log(status, ...(result ? [result.verdict, result.score] : [error.code, error.message])),
    (error) => { console.error(error); process.exit(1); });
}

module.exports = { SAMPLE, environment, readLogin, readResult, requestHeaders, run, storeSource };
