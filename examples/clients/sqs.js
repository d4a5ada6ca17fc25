// Submit with @aws-sdk/client-sqs, and read the result from the bucket.
"use strict";
const { SQSClient, SendMessageCommand } = require("@aws-sdk/client-sqs");
const { SSMClient, GetParameterCommand } = require("@aws-sdk/client-ssm");
const { SAMPLE, environment, readResult, run, storeSource } = require("./grading");

async function queueUrl() {
  const name = `/${environment}/sqs/requests-url`;
  const found = await new SSMClient().send(new GetParameterCommand({ Name: name }));
  return found.Parameter.Value;
}

run(async () => {
  const url = await queueUrl();
  const request = await storeSource(SAMPLE);
  // It returns after SQS has stored the message; the SDK repeats a call without an answer.
  await new SQSClient().send(
    new SendMessageCommand({ QueueUrl: url, MessageBody: JSON.stringify(request) }));
  return readResult(request.requestId, 60);
});
