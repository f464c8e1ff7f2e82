#include "make_engine.hpp"

#include "cpu_engine.hpp"
#include "gpu/cuda_runtime.hpp"
#include "gpu/gpu_engine.hpp"
#include "validate.hpp"

namespace bpqp {

template <class R>
std::unique_ptr<Engine<R>> make_engine(const Shape& shape, int capacity, const Settings& settings) {
  validate(shape, capacity, settings);
  if (settings.device == Device::cuda)
    return std::make_unique<gpu::GpuEngine<R>>(
        shape, capacity, settings, gpu::make_cuda_runtime(settings.stream, settings.allocator));
  return std::make_unique<CpuEngine<R>>(shape, capacity, settings);
}

template <class R>
std::size_t engine_bytes(const Shape& shape, int capacity, const Settings& settings) {
  validate(shape, capacity, settings);
  if (settings.device == Device::cuda)
    return gpu::GpuEngine<R>::bytes_needed(
        shape, capacity, settings, gpu::make_cuda_runtime(settings.stream, nullptr));
  return CpuEngine<R>::memory_of(shape, capacity, settings).bytes();
}

#define BPQP_INSTANTIATE(R)                                                               \
  template std::unique_ptr<Engine<R>> make_engine<R>(const Shape&, int, const Settings&); \
  template std::size_t engine_bytes<R>(const Shape&, int, const Settings&);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
