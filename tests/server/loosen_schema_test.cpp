#include "server/loosen_schema.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace server {
namespace {

using nlohmann::json;

TEST(LoosenSchema, KeepsWhatCanAlwaysBeEnforced) {
  const json schema =
      json::parse(R"({"type":"object","properties":{"a":{"type":"string","minLength":2},
    "b":{"type":["integer","null"],"minimum":0,"maximum":9},"c":{"enum":["x","y"]},
    "d":{"type":"array","items":{"$ref":"#/$defs/e"},"maxItems":3}},"required":["a"],"additionalProperties":false,
    "$defs":{"e":{"const":1}}})");
  EXPECT_EQ(loosened(schema), schema);
}

TEST(LoosenSchema, LeavesOutWhatClientsSendAndNoGrammarHolds) {
  const json schema =
      json::parse(R"({"$schema":"https://json-schema.org/draft-2020-12/schema","type":"object",
    "properties":{"mail":{"type":"string","format":"email","pattern":"^(?!\\.)x"},
      "ids":{"type":"array","items":{"type":"string"},"uniqueItems":true},"n":{"type":"number","maximum":1.797e308},
      "nothing":null,"either":{"oneOf":[{"type":"integer"},{"type":"number"}],"discriminator":{"propertyName":"x"}}},
    "required":null,"if":{},"then":{},"xml":{}})");
  EXPECT_EQ(loosened(schema),
            json::parse(R"({"type":"object","properties":{"mail":{"type":"string"},
    "ids":{"type":"array","items":{"type":"string"}},"n":{"type":"number"},"nothing":{},
    "either":{"anyOf":[{"type":"integer"},{"type":"number"}]}}})"));
}

TEST(LoosenSchema, AClosedObjectWhoseMembersAreElsewhereIsOpened) {
  const json out = loosened(json::parse(
      R"({"properties":{},"additionalProperties":false,"anyOf":[{"properties":{"a":{}},"required":["a"]}]})"));
  EXPECT_FALSE(out.contains("additionalProperties"));
}

TEST(LoosenSchema, DepthIsBounded) {
  json schema{{"type", "string"}};
  for (int i = 0; i < 200; ++i) schema = json{{"properties", {{"a", std::move(schema)}}}};
  const json out = loosened(schema);
  int depth = 0;
  for (const json* at = &out; at->contains("properties"); at = &at->at("properties").at("a"))
    ++depth;
  EXPECT_LT(depth, 100);
}

}  // namespace
}  // namespace server
