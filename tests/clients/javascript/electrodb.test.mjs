// ElectroDB: one table, two entities, a collection over a shared index, as its manual's "single table" pages have it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Entity, Service } from "electrodb";

const table = "javascript-electrodb";
const client = new DynamoDBClient({});
const keys = (name) => [
  { AttributeName: `${name}pk`, KeyType: "HASH" },
  { AttributeName: `${name}sk`, KeyType: "RANGE" },
];

const employee = new Entity(
  {
    model: { entity: "employee", version: "1", service: "work" },
    attributes: {
      id: { type: "string", required: true },
      team: { type: "string", required: true },
      salary: { type: "number", default: 0 },
      skills: { type: "set", items: "string" },
      address: { type: "map", properties: { city: { type: "string" } } },
      updated: { type: "number", watch: "*", set: () => 42 },
    },
    indexes: {
      own: { pk: { field: "pk", composite: ["id"] }, sk: { field: "sk", composite: [] } },
      team: {
        collection: "assignments",
        index: "gsi1",
        pk: { field: "gsi1pk", composite: ["team"] },
        sk: { field: "gsi1sk", composite: ["id"] },
      },
    },
  },
  { client, table },
);

const task = new Entity(
  {
    model: { entity: "task", version: "1", service: "work" },
    attributes: {
      id: { type: "string", required: true },
      team: { type: "string", required: true },
      state: { type: ["open", "done"], default: "open" },
      points: { type: "number" },
    },
    indexes: {
      own: { pk: { field: "pk", composite: ["id"] }, sk: { field: "sk", composite: [] } },
      team: {
        collection: "assignments",
        index: "gsi1",
        pk: { field: "gsi1pk", composite: ["team"] },
        sk: { field: "gsi1sk", composite: ["state", "id"] },
      },
    },
  },
  { client, table },
);
const work = new Service({ employee, task });

before(() =>
  client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: ["pk", "sk", "gsi1pk", "gsi1sk"].map((AttributeName) => ({
        AttributeName,
        AttributeType: "S",
      })),
      KeySchema: keys(""),
      GlobalSecondaryIndexes: [{ IndexName: "gsi1", KeySchema: keys("gsi1"), Projection: { ProjectionType: "ALL" } }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  ),
);
after(() => client.send(new DeleteTableCommand({ TableName: table })));

test("entities are created once, patched, and read back", async () => {
  const ada = { id: "ada", team: "engine", skills: ["maths"], address: { city: "London" } };
  await employee.create(ada).go();
  await assert.rejects(employee.create(ada).go(), /conditional request failed/);
  await employee.patch({ id: "ada" }).add({ salary: 10, skills: ["notes"] }).set({ "address.city": "Marylebone" }).go();
  const { data } = await employee.get({ id: "ada" }).go();
  assert.deepEqual(
    { ...data, skills: [...data.skills].sort() },
    { id: "ada", team: "engine", salary: 10, skills: ["maths", "notes"], address: { city: "Marylebone" }, updated: 42 },
  );
  await assert.rejects(employee.patch({ id: "nobody" }).set({ salary: 1 }).go(), /conditional request failed/);
});

test("a collection holds both entities, and filters and pages hold", async () => {
  await task.put(Array.from({ length: 30 }, (_, n) => ({ id: `t${n}`, team: "engine", points: n }))).go();
  const { data } = await work.collections.assignments({ team: "engine" }).go({ pages: "all" });
  assert.deepEqual([data.employee.length, data.task.length], [1, 30]);
  const large = await task.query
    .team({ team: "engine", state: "open" })
    .where(({ points }, { gte, between }) => `${gte(points, 25)} OR ${between(points, 2, 3)}`)
    .go({ pages: "all" });
  assert.deepEqual(large.data.map(({ points }) => points).sort((a, b) => a - b), [2, 3, 25, 26, 27, 28, 29]);
  let cursor = null;
  let count = 0;
  do {
    const page = await task.query.team({ team: "engine" }).go({ cursor, limit: 7 });
    count += page.data.length;
    cursor = page.cursor;
  } while (cursor);
  assert.equal(count, 30);
});

test("a service's transaction is whole", async () => {
  const move = (salary) =>
    work.transaction
      .write(({ employee, task }) => [
        employee.patch({ id: "ada" }).set({ salary: 20 }).where((a, { eq }) => eq(a.salary, salary)).commit(),
        task.patch({ id: "t1" }).set({ state: "done" }).commit(),
      ])
      .go();
  assert.equal((await move(11)).canceled, true);
  assert.equal((await task.get({ id: "t1" }).go()).data.state, "open");
  assert.equal((await move(10)).canceled, false);
  assert.equal((await task.get({ id: "t1" }).go()).data.state, "done");
});
