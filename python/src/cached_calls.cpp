#include "cached_calls_there.hpp"
#include "host_place.hpp"

namespace bpqp::python {

template <>
struct PlaceOf<HostCaller> {
  using Type = HostPlace;
};

BPQP_INSTANTIATE_CALLS(float, HostCaller);
BPQP_INSTANTIATE_CALLS(double, HostCaller);

}  // namespace bpqp::python
