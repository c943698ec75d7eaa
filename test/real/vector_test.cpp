// Embeddings of a real server.

#include "real/server.hpp"

#include <boost/json.hpp>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

asio::awaitable<embedding_response> embed(embedding_request request)
{
    const auto api = co_await make_client();
    if (request.model.empty())
        request.model = client_config::from_environment().model;
    co_return co_await api.embed(std::move(request));
}

bool are_the_same_bits(const std::vector<float>& a, const std::vector<float>& b)
{
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(RealEmbedding, IsTheSameInBothForms)
{
    REGOLO_NEEDS("embeddings");
    embedding_request request({}, {"Tell me something about Rome.", "Citt\u00e0 eterna", "a"});
    request.encoding_format = "float";
    const auto numbers = run(embed(request));
    request.encoding_format = "base64";
    const auto encoded = run(embed(request));
    ASSERT_EQ(numbers.data.size(), 3U);
    ASSERT_EQ(encoded.data.size(), 3U);
    for (std::size_t i = 0; i != 3; ++i)
    {
        EXPECT_GT(numbers.values(i).size(), 32U);
        EXPECT_TRUE(are_the_same_bits(numbers.values(i), encoded.values(i)));
    }
    EXPECT_FALSE(are_the_same_bits(numbers.values(0), numbers.values(1)));
    EXPECT_GT(encoded.usage.value().prompt_tokens.value_or(0), 0);
}

}  // namespace

}  // namespace regolo::test
