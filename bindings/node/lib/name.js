// SPDX-License-Identifier: Apache-2.0
'use strict';

/** An activity code or a function's name, prepared by one engine or client, for which alone it means something. */
class Name {
  #owner;
  #number;

  constructor(owner, text, number) {
    this.#owner = owner;
    this.#number = number;
    /** The name as text. */
    this.text = text;
    Object.freeze(this);
  }

  toString() {
    return this.text;
  }

  /** The name's number with its owner; throws for a name of another, and for what is no name. */
  static number(name, owner) {
    if (name === null || typeof name !== 'object' || !(#owner in name))
      throw new TypeError('a name is a text, or what prepare() gave');
    if (name.#owner !== owner) throw new TypeError(`the name \`${name.text}\` was prepared by another engine or client`);
    return name.#number;
  }
}

module.exports = { Name };
