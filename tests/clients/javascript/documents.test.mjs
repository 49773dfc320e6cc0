// The SDK's document client and paginators, as the AWS SDK for JavaScript v3 developer guide uses them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  paginateScan,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";

const TableName = "javascript-documents";
const client = new DynamoDBClient({});
const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

before(async () => {
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 20 }, { TableName });
});

after(async () => {
  await client.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client, minDelay: 1, maxWaitTime: 20 }, { TableName });
});

test("documents come back as they were put", async () => {
  const Item = {
    pk: "round-trip",
    sk: -1.5,
    nested: { list: [1, "two", null, true, { three: 3 }] },
    set: new Set(["a", "b"]),
    bytes: new Uint8Array([0, 1, 255]),
    big: 9007199254740993n,
    missing: undefined,
  };
  await documents.send(new PutCommand({ TableName, Item }));
  const read = await documents.send(
    new GetCommand({ TableName, Key: { pk: "round-trip", sk: -1.5 }, ConsistentRead: true }),
  );
  assert.deepEqual(read.Item.nested, Item.nested);
  assert.deepEqual([...read.Item.set].sort(), ["a", "b"]);
  assert.deepEqual([...read.Item.bytes], [0, 1, 255]);
  assert.equal(read.Item.big, 9007199254740993n);
  assert.ok(!("missing" in read.Item));
});

test("errors are the SDK's own classes", async () => {
  const put = new PutCommand({
    TableName,
    Item: { pk: "round-trip", sk: -1.5 },
    ConditionExpression: "attribute_not_exists(pk)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
  await assert.rejects(documents.send(put), (error) => {
    assert.equal(error.name, "ConditionalCheckFailedException");
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.equal(error.Item.pk.S, "round-trip");
    return true;
  });
  await assert.rejects(documents.send(new GetCommand({ TableName: "none", Key: { pk: "a" } })), {
    name: "ResourceNotFoundException",
  });
});

test("updates, transactions and pages", async () => {
  const Key = { pk: "counter", sk: 0 };
  const add = { ExpressionAttributeNames: { "#n": "n" }, ExpressionAttributeValues: { ":one": 1 } };
  for (const expected of [1, 2]) {
    const done = await documents.send(
      new UpdateCommand({ TableName, Key, UpdateExpression: "ADD #n :one", ReturnValues: "UPDATED_NEW", ...add }),
    );
    assert.equal(done.Attributes.n, expected);
  }
  const check = { TableName, Key, ConditionExpression: "#n = :one", ...add };
  await assert.rejects(
    documents.send(
      new TransactWriteCommand({
        TransactItems: [{ Put: { TableName, Item: { pk: "never", sk: 0 } } }, { ConditionCheck: check }],
      }),
    ),
    (error) => {
      assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed"]);
      return true;
    },
  );
  for (let first = 0; first < 100; first += 25) {
    const puts = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: { pk: "pages", sk: first + n } } }));
    await documents.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
  }
  const query = {
    TableName,
    KeyConditionExpression: "pk = :pk AND sk >= :from",
    ExpressionAttributeValues: { ":pk": "pages", ":from": 10 },
    ScanIndexForward: false,
  };
  const seen = [];
  for await (const page of paginateQuery({ client: documents, pageSize: 8 }, query)) {
    seen.push(...page.Items.map((item) => item.sk));
  }
  assert.deepEqual(seen, Array.from({ length: 90 }, (_, n) => 99 - n));
  let scanned = 0;
  for await (const page of paginateScan({ client: documents, pageSize: 9 }, { TableName })) scanned += page.Count;
  assert.equal(scanned, 102);
});
