// Settings as text, "eps_abs=1e-9;method=admm;", for compiled programs, which carry strings alone.
#pragma once

#include <string>
#include <string_view>

#include "bpqp/settings.hpp"

namespace bpqp::python {

/// All settings that are not the default; the same settings give the same text.
std::string settings_text(const Settings& settings);

/// The inverse. Throws std::invalid_argument for what settings_text does not write.
Settings settings_of_text(std::string_view text);

}  // namespace bpqp::python
