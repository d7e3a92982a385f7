// SPDX-License-Identifier: Apache-2.0
'use strict';
const { EFFECTS, REASONS, EFFECT_OF_REASON } = require('./tables');

const NO_OBLIGATIONS = Object.freeze([]);

/** One name's decision on a session. */
class Decision {
    constructor(effect, reason, obligations, generation) {
        /** `permit`, `deny`, `indeterminate` or `not-applicable`; only the first is access. */
        this.effect = effect;
        /** Why, as a slug. */
        this.reason = reason;
        /** What whoever acts on a permit must do; who cannot must refuse. */
        this.obligations = obligations ?? NO_OBLIGATIONS;
        /** The publication of the policy that answered. */
        this.generation = generation;
    }

    /** Whether it is a permit; one with obligations is one only for a caller that meets them all. */
    get permitted() {
        return this.effect === 'permit';
    }
}

/** Of the numbers that the library gives. */
function decisionOfNumbers(effect, reason, generation, obligations) {
    return new Decision(EFFECTS[effect] ?? 'deny', REASONS[reason] ?? `reason-${reason}`, obligations, generation);
}

/** Of what the daemon answers: [decision, reason, generation, [obligations]]; undefined if it is not that. */
function decisionOfAnswer(answer) {
    if (!Array.isArray(answer) || answer.length !== 4) return undefined;
    const [permitted, reason, generation, obligations] = answer;
    if (typeof permitted !== 'boolean' || typeof reason !== 'string' || !Number.isSafeInteger(generation))
        return undefined;
    if (!Array.isArray(obligations) || !obligations.every((id) => typeof id === 'string')) return undefined;
    // A newer daemon may have reasons that this table lacks; its effect is then known by the decision alone.
    const effect = EFFECT_OF_REASON.get(reason) ?? (permitted ? 'permit' : 'deny');
    if ((effect === 'permit') !== permitted) return undefined;
    return new Decision(effect, reason, obligations.length === 0 ? NO_OBLIGATIONS : obligations, generation);
}

module.exports = { Decision, decisionOfNumbers, decisionOfAnswer };
