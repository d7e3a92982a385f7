// SPDX-License-Identifier: Apache-2.0
//
// The peers that live in node, asked in turn, every answer held against the oracle's:
//
//   node peers.mjs FOLDER WORKLOAD ROUNDS MILLISECONDS     (in the folder of node_modules)
//
// Tells the same lines as the C programs. A peer that cannot be loaded takes no part.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, name, rounds, budget] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
const workload = JSON.parse(readFileSync(`${folder}/workload.json`, "utf8"));

function tell(measure, contender, value, round) {
  console.log([name, measure, contender, Number(value.toPrecision(6)), round].join("\t"));
}

// Cedar with a parsed policy set for each action, which permits the roles that are
// granted it: only the policy that can apply is evaluated, and a call carries no more
// than its user and the user's groups. An extra activity is a role of its own.
function cedar() {
  const cedar = require("@cedar-policy/cedar-wasm/nodejs");
  const group = (id) => ({ type: "Role", id });
  const groups = new Map(workload.activities.map((code) => [code, [`Role::"${code}"`]]));
  for (const role of workload.roles)
    for (const code of role.may) groups.get(code).push(`Role::"${role.code}"`);
  for (const code of workload.activities) {
    const parsed = cedar.preparsePolicySet(code, {
      staticPolicies: `permit(principal, action == Action::"${code}", resource)
        when { principal in [${groups.get(code).join(", ")}] };`,
    });
    if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  }
  const users = workload.users.map((user) => [{
    uid: { type: "User", id: user.id }, attrs: {}, parents: [user.role, ...user.extras].map(group),
  }]);
  const resource = { type: "Record", id: "any" };
  return (user, code) => cedar.statefulIsAuthorized({
    principal: users[user][0].uid, action: { type: "Action", id: code }, resource,
    context: {}, preparsedPolicySetId: code, entities: users[user],
  }).response.decision === "allow";
}

function casbinEnforcer(fields, matcher, lines) {
  const { newEnforcer, newModel, StringAdapter } = require("casbin");
  const model = newModel(`
    [request_definition]
    r = ${fields}
    [policy_definition]
    p = ${fields}
    [role_definition]
    g = _, _
    [policy_effect]
    e = some(where (p.eft == allow))
    [matchers]
    m = ${matcher}`);
  return newEnforcer(model, new StringAdapter(lines.join("\n")));
}

// Casbin with users, roles (or groups) and what they may in one graph of roles, and a
// matcher that asks the graph alone: far faster than a policy line for each grant.
async function casbin() {
  const lines = ["p, any, any"];
  for (const role of workload.roles)
    for (const code of role.may) lines.push(`g, ${role.code}, ${code}`);
  for (const { code, workgroups } of workload.functions ?? [])
    for (const group of workgroups) lines.push(`g, ${group}, ${code}`);
  for (const user of workload.users)
    for (const held of [user.role, ...user.extras, ...(user.workgroups ?? [])])
      lines.push(`g, ${user.id}, ${held}`);
  const enforcer = await casbinEnforcer("sub, obj", "g(r.sub, r.obj)", lines);
  return (user, code) => enforcer.enforceSync(workload.users[user].id, code);
}

// Casbin's own RBAC benchmark: a policy line for each group, and its usual matcher.
async function casbinAsPublished() {
  const lines = [];
  for (const { code, workgroups } of workload.functions)
    for (const group of workgroups) lines.push(`p, ${group}, ${code}, read`);
  for (const user of workload.users)
    for (const group of user.workgroups) lines.push(`g, ${user.id}, ${group}`);
  const enforcer = await casbinEnforcer("sub, obj, act",
    "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", lines);
  return (user, code) => enforcer.enforceSync(workload.users[user].id, code, "read");
}

function play(peer, round) {
  const started = process.hrtime.bigint();
  const end = started + BigInt(budget) * 1000000n;
  let now = started;
  let asked = 0;
  for (; now < end; now = process.hrtime.bigint()) {
    const [user, activity] = workload.requests[peer.next];
    const may = peer.ask(user, workload.activities[activity]);
    peer.wrong += may === (workload.expected[peer.next] === "1") ? 0 : 1;
    peer.next = (peer.next + 1) % workload.requests.length;
    asked++;
  }
  peer.asked += asked;
  tell("check ns", peer.told_as, Number(now - started) / asked, round);
}

const contenders = workload.functions
  ? [["Casbin, node", casbin], ["Casbin, node, as published", casbinAsPublished]]
  : [["Cedar, WebAssembly", cedar], ["Casbin, node", casbin]];
const peers = [];
for (const [told_as, start] of contenders) {
  const before = process.memoryUsage.rss();
  const started = performance.now();
  try {
    peers.push({ told_as, ask: await start(), next: 0, asked: 0, wrong: 0 });
  } catch (problem) {
    console.error(`bench: ${told_as} takes no part: ${problem.message.split("\n")[0]}`);
    continue;
  }
  tell("check load ms", told_as, performance.now() - started, 0);
  tell("check memory MB", told_as, (process.memoryUsage.rss() - before) / 1e6, 0);
}
for (let round = 0; round < Number(rounds); round++)
  for (const peer of peers) play(peer, round);
for (const peer of peers) {
  tell("check asked", peer.told_as, peer.asked, 0);
  tell("check wrong", peer.told_as, peer.wrong, 0);
}
process.exitCode = peers.some((peer) => peer.wrong > 0) ? 1 : 0;
