#include "check_model.hpp"

#include "operations.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace regolo::inline v0::detail {

namespace {

error_info unknown_model(const std::string& name, const std::vector<std::string>& known)
{
    constexpr std::size_t most = 20;
    error_info info;
    info.code = errc::not_found;
    info.message = "the server does not list the model \"" + name + "\"; it has";
    for (std::size_t i = 0; i < std::min(known.size(), most); ++i)
        info.message += (i == 0 ? " " : ", ") + known[i];
    if (known.empty())
        info.message += " none";
    else if (known.size() > most)
        info.message += " and " + std::to_string(known.size() - most) + " more";
    return info;
}

}  // namespace

bool has_to_check_model(const client_state& client, const call_plan& plan,
                        const call_options& options)
{
    return client.config.check_models && !plan.model.empty() && options.base_url.empty();
}

boost::asio::awaitable<void> check_model(std::shared_ptr<client_state> client, std::string name,
                                         call_options options)
{
    auto known = client->models.knows(name, client->world->timer->now());
    if (!known)
    {
        options.query.clear();
        options.keep_body = false;
        options.call_id.clear();
        const auto list =
            co_await fetch<model_list>(client, models_plan(), std::move(options), nullptr);
        std::vector<std::string> names;
        for (const auto& each : list.data)
            names.push_back(each.id);
        client->models.put(std::move(names), client->world->timer->now());
        known = client->models.knows(name, client->world->timer->now());
    }
    if (!known.value_or(false))
        throw error(unknown_model(name, client->models.names()));
}

}  // namespace regolo::inline v0::detail
