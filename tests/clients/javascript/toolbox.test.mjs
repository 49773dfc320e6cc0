// DynamoDB-Toolbox: a typed entity over the document client, as its "getting started" page builds one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Entity } from "dynamodb-toolbox/entity";
import { DeleteItemCommand } from "dynamodb-toolbox/entity/actions/delete";
import { GetItemCommand } from "dynamodb-toolbox/entity/actions/get";
import { PutItemCommand } from "dynamodb-toolbox/entity/actions/put";
import { $add, $append, UpdateItemCommand } from "dynamodb-toolbox/entity/actions/update";
import { item } from "dynamodb-toolbox/schema/item";
import { list } from "dynamodb-toolbox/schema/list";
import { number } from "dynamodb-toolbox/schema/number";
import { string } from "dynamodb-toolbox/schema/string";
import { Table } from "dynamodb-toolbox/table";
import { QueryCommand } from "dynamodb-toolbox/table/actions/query";

const client = new DynamoDBClient({});
const pokedex = new Table({
  name: "javascript-toolbox",
  partitionKey: { name: "pk", type: "string" },
  sortKey: { name: "sk", type: "number" },
  documentClient: DynamoDBDocumentClient.from(client),
});
const Creature = new Entity({
  name: "Creature",
  table: pokedex,
  schema: item({
    trainer: string().key().savedAs("pk"),
    number: number().key().savedAs("sk"),
    level: number().default(1),
    moves: list(string()).default([]),
  }),
});

before(() =>
  client.send(
    new CreateTableCommand({
      TableName: "javascript-toolbox",
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
  ),
);
after(() => client.send(new DeleteTableCommand({ TableName: "javascript-toolbox" })));

test("put, update, query and delete through the entity", async () => {
  for (const number of [4, 1, 7]) await Creature.build(PutItemCommand).item({ trainer: "ash", number }).send();
  const again = Creature.build(PutItemCommand)
    .item({ trainer: "ash", number: 1 })
    .options({ condition: { attr: "number", exists: false } });
  await assert.rejects(again.send(), { name: "ConditionalCheckFailedException" });
  const { Attributes } = await Creature.build(UpdateItemCommand)
    .item({ trainer: "ash", number: 1, level: $add(4), moves: $append(["tackle"]) })
    .options({ returnValues: "ALL_NEW" })
    .send();
  assert.deepEqual([Attributes.level, Attributes.moves], [5, ["tackle"]]);
  const { Items } = await pokedex
    .build(QueryCommand)
    .entities(Creature)
    .query({ partition: "ash", range: { gte: 2 } })
    .options({ reverse: true })
    .send();
  assert.deepEqual(Items.map(({ number }) => number), [7, 4]);
  await Creature.build(DeleteItemCommand).key({ trainer: "ash", number: 4 }).send();
  assert.equal((await Creature.build(GetItemCommand).key({ trainer: "ash", number: 4 }).send()).Item, undefined);
});
