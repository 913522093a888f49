// Ask for an object: the Schema goes to the model, and the answer comes back checked and typed.
import { Effect, Schema } from "effect"
import { build, layer } from "plugline"

const Person = Schema.Struct({ name: Schema.String, age: Schema.Int })

const program = Effect.gen(function*() {
  const answer = yield* build("local", "name: Ada, age: 36").withResponseFormat(Person).execute()
  const person = yield* answer.object(Person)
  console.log(`${person.name} is ${person.age}`)

  // An answer that does not fit is an error that says so.
  const plain = yield* build("local", "Hello").execute()
  const error = yield* Effect.flip(plain.object(Person))
  console.log(error.reason._tag)
})

await Effect.runPromise(Effect.provide(program, layer))

// Prints:
// Ada is 36
// MalformedResponse
