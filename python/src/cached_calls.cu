#include "cached_calls_there.hpp"
#include "cuda_place.cuh"

namespace bpqp::python {

template <>
struct PlaceOf<CudaCaller> {
  using Type = CudaPlace;
};

BPQP_INSTANTIATE_CALLS(float, CudaCaller);
BPQP_INSTANTIATE_CALLS(double, CudaCaller);

}  // namespace bpqp::python
